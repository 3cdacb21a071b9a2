#include "daemon/cli/campaigns/campaign_draft.h"

#include <fmt/format.h>

#include "daemon/base/data_files.h"

namespace kasetsu::cli {

Status draft_campaign(const DraftArguments& arguments, Session& session) {
  auto table = arguments.table.load(session);
  if (!table) return table.error();
  if (auto status = require_target(*table, arguments.table); !status) return status;
  auto supports = arguments.table.load_supports();
  if (!supports) return supports.error();
  campaign::DraftRequest request = arguments.request;
  request.file_name = arguments.table.data;
  const auto draft = campaign::draft_campaign_file(request, *table, *supports);
  if (!draft) return draft.error();
  if (!arguments.out.empty()) {
    if (auto written = write_file(arguments.out, draft->text); !written) return written;
  } else if (!session.json) {
    session.print(draft->text);
  }
  session.say(fmt::format("{} candidates; now: kasetsu campaign plan {}", draft->space_size,
                          arguments.out.empty() ? "FILE" : arguments.out));
  if (session.json) {
    session.print_json(
        {{"name", request.name}, {"space_size", draft->space_size}, {"text", draft->text}});
  }
  return {};
}

}  // namespace kasetsu::cli
