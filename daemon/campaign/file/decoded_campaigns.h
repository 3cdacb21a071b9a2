// The campaign files that the database holds, decoded once a version where they are in use: of very
// many or very long ones, those that were asked for last are kept. Every door, the jobs and the
// pages ask here, so that all of them see the same campaign and the same error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// May be asked by several threads. The support table outlives it.
class DecodedCampaigns {
 public:
  using Config = std::shared_ptr<const CampaignConfig>;

  explicit DecodedCampaigns(const chemistry::SupportTable& supports) : supports_(supports) {}

  // The present version of `campaign`, which `reader` knows. Errors: conflict, when this daemon
  // cannot decode it (a support of another table, a newer format), with what the decoder found;
  // internal, when its text is missing.
  Result<Config> of(const Reader& reader, const Campaign& campaign);

  // A version that was decoded elsewhere and is committed: nobody decodes it again. bytes: of its
  // text.
  void keep(const std::string& id, std::int64_t version, Config config, std::size_t bytes);

  // Behind the amounts of a campaign's catalysts; empty: none, or its file cannot be decoded.
  std::string unit_of(const Reader& reader, std::int64_t campaign);

  // One sentence for each campaign that takes results and cannot be decoded.
  std::vector<std::string> unreadable(const Database& database);

 private:
  struct Entry {
    std::int64_t version = 0;
    Result<Config> config = Error{};
    std::size_t bytes = 0;   // of the text
    std::uint64_t used = 0;  // rises with every use
  };
  Result<Config> keep_entry(const std::string& id, Entry entry);

  const chemistry::SupportTable& supports_;
  std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;  // by the campaign's id
  std::size_t bytes_ = 0;                              // of all texts
  std::uint64_t uses_ = 0;
};

}  // namespace kasetsu::campaign
