// The rules by which one row of a delivery becomes a run and measurements, or is refused. Used by
// ingest.cc and corrections.cc, inside one transaction.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "daemon/base/ulid.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/lifecycle/campaigns.h"

namespace kasetsu::campaign {

// A result for a prediction that waited for it. The first live measurement after the prediction
// counts, so that late repeats do not weigh twice, and a retracted one makes room for the next.
void settle_predictions(Transaction& tx, std::int64_t campaign, const std::string& property,
                        const std::string& catalyst, Time now);

// Takes the rows of one delivery, one after the other. Everything given outlives it.
class Ingestion {
 public:
  Ingestion(Transaction& tx, const Context& context, const Campaign& campaign)
      : tx_(tx), context_(context), campaign_(campaign) {
    properties_ = tx.properties(campaign.key);
  }

  // What became of a row. `error` set with code bad_data: it belongs in quarantine, for that
  // reason; with another code: the delivery is refused.
  struct Outcome {
    std::optional<Error> error;
    RowVerdict verdict;
    std::int64_t run = 0;  // seq of what was written; 0: nothing
  };

  // begin: called before the first thing is written for the row, with its verdict and the run that
  // it will have; sets ingest.seq. Empty: the ingest is there.
  using Begin = std::function<void(Verdict, std::int64_t run)>;
  Outcome take(const PreparedRow& given, const Ingest& ingest, const DeliveryOptions& options,
               const Begin& begin = {});

  // Amounts that add up to a hundred times more, or less, than any catalyst of the space has: mol
  // for mmol, percent for fractions.
  std::optional<Error> unit_slip(std::string_view key);

  static std::uint32_t range_flag(const Property& property, double value);

  // What the numbers of one row say of one another.
  std::uint32_t balance_flags(const PreparedRow& row) const;

  // Against the newest hundred live measurements of the same property, catalyst and conditions.
  std::uint32_t replicate_flag(const PreparedRow& row, const PreparedValue& value,
                               std::int64_t catalyst);

  RowVerdict quarantine(const PreparedRow& row, const Error& error, const Ingest& ingest);

  std::int64_t new_measurements() const { return new_measurements_; }
  std::vector<std::string> finished() && { return std::move(finished_); }
  const Property* property(const std::string& name) const;
  // More than one row comes: it pays to ask once for all rows of a run.
  void expect_many() { many_ = true; }
  // The measurements have the identifiers that follow this one, the delivery's.
  void number_after(const Ulid& delivery) { numbered_after_ = delivery; }

 private:
  // False when nothing was delivered under this name, for certain. A run that nobody knew when the
  // delivery began has only the names that the delivery gave it.
  bool may_be_known(const std::string& source, const std::string& run, const PreparedRow& row);

  // The end of the chain of corrections that began with a run's measurement of a property; empty:
  // none.
  std::string newest_of(const Run& run, const std::string& property) const;

  void answer(Proposal proposal, const PreparedRow& row);

  // The identifier of the next measurement.
  std::string next_id();

  Transaction& tx_;
  const Context& context_;
  const Campaign& campaign_;
  std::vector<Property> properties_;
  bool many_ = false;
  std::string run_asked_;  // source and run of the rows that are in names_of_run_
  bool run_known_ = false;
  std::unordered_set<std::string> names_of_run_;
  std::int64_t new_measurements_ = 0;
  std::vector<std::string> finished_;
  std::optional<Ulid> numbered_after_;
  bool amounts_read_ = false;
  std::optional<TotalAmounts> amounts_;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  // A composition that rows of this delivery had before: its amounts are plausible.
  struct Known {
    std::int64_t catalyst = 0;
    bool unproposed = false, unpredicted = false;  // nothing of the kind comes meanwhile
  };
  std::unordered_map<std::string, Known, TextHash, std::equal_to<>> known_;

  // What is written for one row: kept, so that the next one need not ask for memory.
  Run run_;
  Measurement measurement_;
  std::vector<std::uint32_t> flags_of_values_;
};

}  // namespace kasetsu::campaign
