#include "daemon/cli/campaigns/campaign_draft.h"

#include <fmt/format.h>

#include <utility>

#include "daemon/base/data_files.h"
#include "daemon/cli/program/answers.h"

namespace kasetsu::cli {

Status draft_campaign(const DraftArguments& arguments, Session& session) {
  auto supports = arguments.table.load_supports();
  if (!supports) return supports.error();
  campaign::DraftRequest request = arguments.request;
  request.file_name = arguments.table.data;
  bool read_before = false;
  const auto read = [&](const tables::ReadOptions& options) -> Result<tables::Table> {
    // Read again in the basis that was found, the table is the same to people.
    const bool quiet = std::exchange(session.quiet, session.quiet || read_before);
    auto table = arguments.table.load(session, arguments.table.data, options);
    session.quiet = quiet;
    read_before = true;
    if (!table) return table;
    if (auto status = require_target(*table, arguments.table); !status) return status.error();
    return table;
  };
  const auto draft =
      campaign::draft_campaign_file(request, arguments.table.read_options(), read, *supports);
  if (!draft) return draft.error();
  if (!arguments.out.empty()) {
    if (auto written = write_file(arguments.out, draft->text); !written) return written;
  } else if (!session.json) {
    session.print_data(draft->text);
  }
  session.say(fmt::format("{}; now: kasetsu campaign plan {}",
                          counted(draft->space_size, "candidate"),
                          arguments.out.empty() ? "FILE" : arguments.out));
  if (!session.json) return {};
  return session.show(
      {{"name", request.name}, {"space_size", draft->space_size}, {"text", draft->text}}, "");
}

}  // namespace kasetsu::cli
