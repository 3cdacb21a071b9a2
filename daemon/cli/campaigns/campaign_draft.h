// kasetsu campaign draft: a campaign file drafted from a table of what was measured.
#pragma once

#include <string>

#include "daemon/campaign/starting/draft.h"
#include "daemon/cli/program/arguments.h"

namespace kasetsu::cli {

struct DraftArguments {
  TableArguments table;
  campaign::DraftRequest request;
  std::string out;
};

Status draft_campaign(const DraftArguments& arguments, Session& session);

}  // namespace kasetsu::cli
