// What a campaign's file was and is, on the command line.
#pragma once

#include <string>
#include <string_view>

#include "daemon/cli/campaigns/campaign_file.h"
#include "daemon/cli/program/client.h"

namespace kasetsu::cli {

struct VersionArguments {
  std::string what;      // name of a campaign; of diff also a file
  int from = 0;          // version; 0: the newest, or of two versions the one before
  int to = 0;            // version; 0: the newest
  std::string out;       // file
  std::string new_name;  // of fork
  bool with_results = false;
};

struct CampaignText {
  std::string text, media_type;
  int version = 0;
  bool hidden = false;  // this token is not told where the webhooks lead: the text is altered there
};
// version 0: the newest. Errors: not_found.
Result<CampaignText> campaign_text(const Client& client, const std::string& campaign, int version);

Status diff_campaign(const VersionArguments& arguments, const Client& client, Session& session);
Status campaign_history(const VersionArguments& arguments, const Client& client, Session& session);
Status export_campaign(const VersionArguments& arguments, const Client& client, Session& session);
Status fork_campaign(const VersionArguments& arguments, const Client& client, Session& session);

}  // namespace kasetsu::cli
