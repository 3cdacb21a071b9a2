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
#include "daemon/campaign/ingest/stored_rows.h"
#include "daemon/campaign/lifecycle/campaigns.h"

namespace kasetsu::campaign {

// A result for a prediction that waited for it. The first live measurement after the prediction,
// under the conditions that its proposal asked for, counts, so that late repeats do not weigh
// twice, and a retracted one makes room for the next. conditions: of the result that came, or is
// live no more.
void settle_predictions(Transaction& tx, std::int64_t campaign, const std::string& property,
                        const std::string& catalyst, const std::string& conditions, Time now);

// The flag of a value outside the property's plausible range, or 0.
std::uint32_t range_flag(const Property& property, double value);

// "out_of_range, clock".
std::string flags_text(std::uint32_t flags);

// Why a row waits in quarantine, of what `take` found: that it cannot be read comes first.
std::string reason_of(const PreparedRow& row, const Error& error);

// Judges and writes the rows of one delivery, one after the other. Everything given outlives it.
class RowRules {
 public:
  // config: the campaign's decoded file; null: it asks nothing of a row.
  RowRules(Transaction& tx, const Context& context, const Campaign& campaign,
           const CampaignConfig* config);

  // What became of a row. `error` set with code bad_data: it belongs in quarantine, for that
  // reason; with another code: the delivery is refused.
  struct Outcome {
    std::optional<Error> error;
    RowVerdict verdict;
    std::int64_t run = 0;  // seq of what was written; 0: nothing
  };

  // begin: called before the first thing is written for the row, with its verdict, the run and the
  // number of measurements that it will have; sets ingest.seq. Not given: the ingest is written.
  using Begin = std::function<void(Verdict, std::int64_t run, std::int64_t measurements)>;
  Outcome take(const PreparedRow& row, const Ingest& ingest, const DeliveryOptions& options,
               const Begin& begin = {});

  RowVerdict quarantine(const PreparedRow& row, const Error& error, const Ingest& ingest);

  std::int64_t new_measurements() const { return new_measurements_; }
  std::vector<std::string> finished() && { return std::move(finished_); }
  // Rows that are stored already are recognised from here on.
  void expect_rows(const std::vector<PreparedRow>& rows, const DeliveryOptions& options);
  // A row with a name that holds nothing any more, of the values that `row` does not measure: asked
  // about, or retracted with `revise`.
  Status take_back(const PreparedRow& row, const Ingest& ingest, const DeliveryOptions& options);
  // What must be asked about the rows that were taken; nothing: all is clear.
  std::optional<Error> question() const { return stored_ ? stored_->question() : std::nullopt; }
  // What became of rows and is not in their verdicts, for people.
  std::vector<std::string> notes() const;
  bool took_back() const { return !taken_back_.empty(); }
  // More than one row comes: it pays to ask once for all rows of a run.
  void expect_many() { many_ = true; }
  // The measurements have the identifiers that follow this one, the delivery's.
  void number_after(const Ulid& delivery) { numbered_after_ = delivery; }

 private:
  // What a row is about, and what was found out while judging it.
  struct Subject {
    const PreparedRow* row = nullptr;
    const std::string* source = nullptr;
    const std::string* run = nullptr;
    std::string catalyst, conditions;
    std::string told;  // the composition, where it became another; empty: it is as it was told
    std::optional<Proposal> proposal;
    std::optional<Digest> content;
    std::optional<Run> before;  // the run under the same name
    std::int64_t catalyst_key = 0;
    std::uint32_t flags = 0;
    std::vector<std::string> supersedes;  // by value; empty text: nothing
    std::vector<bool> stored;             // by value: is there already, and not written again
  };

  // Other amounts of oxygen under which the catalyst came before, where oxygen does not count.
  void compare_oxygen(const Subject& subject);
  Status find_proposal(Subject& subject) const;
  Status find_catalyst(Subject& subject);
  // Amounts that add up to more than a hundred times what any catalyst of the space has, or to less
  // than a hundredth: mol for mmol. Percent for fractions lies within, as catalysts with traces of
  // an element do, which are not to be refused.
  Status check_amounts(std::string_view key);
  Status check_values(const PreparedRow& row) const;
  // Rows that lack a condition of the campaign cannot be learnt from.
  Status check_conditions(const Subject& subject) const;
  Status keep_sample(const Subject& subject, const Ingest& ingest, const DeliveryOptions& options);
  // A label that stood for another catalyst: with `revise` that was a slip, and its values go.
  Status move_sample(const Subject& subject, std::int64_t before, const Ingest& ingest,
                     const DeliveryOptions& options);
  // Measurements of other deliveries under a catalyst, by sample: read once for all rows.
  using OfSamples = std::unordered_map<std::string, std::vector<std::string>>;
  const OfSamples& came_before(const std::string& catalyst, const std::string& delivery);
  // A row with a name of its own is known when it comes again, in whatever delivery. True: it is a
  // duplicate, and `verdict` says of what.
  Result<bool> find_before(Subject& subject, bool revise, RowVerdict& verdict);
  bool came_under_old_key(const Subject& subject) const;
  // A table without a run: a row with a sequence that the table has had is a duplicate, or an error
  // where its content differs.
  Result<bool> find_in_table(const Subject& subject, RowVerdict& verdict);
  Result<bool> find_stored(Subject& subject, const DeliveryOptions& options, RowVerdict& verdict,
                           const Ingest& ingest);
  // The same of a row of JSON. True: it is a duplicate.
  bool find_measured(Subject& subject, const DeliveryOptions& options, RowVerdict& verdict,
                     const Ingest& ingest);
  // False when none of the values was measured before, for certain.
  bool may_be_repeated(const Subject& subject);
  // The open proposal that the row answers without naming it.
  void match_proposal(Subject& subject) const;
  void write(const Subject& subject, const Ingest& ingest, const Begin& begin, Outcome& outcome);

  // What the numbers of one row say of one another.
  std::uint32_t balance_flags(const PreparedRow& row) const;
  // Against the newest hundred live measurements of the same property, catalyst and conditions.
  std::uint32_t replicate_flag(const Subject& subject, const PreparedValue& value);
  // False when nothing was delivered under this name, for certain. A run that nobody knew when the
  // delivery began has only the names that the delivery gave it.
  bool may_be_known(const Subject& subject);
  // The end of the chain of corrections that began with a run's measurement of a property; empty:
  // none.
  std::string newest_of(const Run& run, const std::string& property) const;
  void answer(Proposal proposal, const PreparedRow& row);
  // The identifier of the next measurement.
  std::string next_id();
  const Property* property(const std::string& name) const;

  Transaction& tx_;
  const Context& context_;
  const Campaign& campaign_;
  std::vector<std::string> conditions_;  // that the campaign varies
  std::optional<double> tolerance_;      // of amounts
  std::string unit_;                     // of amounts
  std::vector<Property> properties_;
  bool many_ = false;
  std::string run_asked_;  // source and run of the rows that are in names_of_run_
  bool run_known_ = false;
  std::unordered_set<std::string> names_of_run_;
  std::int64_t new_measurements_ = 0;
  std::vector<std::string> finished_;
  std::optional<Ulid> numbered_after_;
  const std::vector<PreparedRow>* rows_ = nullptr;  // of the delivery
  std::int64_t first_new_ = 0;                      // seq of its first measurement
  std::optional<StoredRows> stored_;
  bool table_ = false;                                     // the delivery is one
  std::vector<std::string> taken_back_;                    // "A2: C2_yield = 8"
  std::vector<std::string> oxygen_;                        // "NdBa2Cu3O6.94 (before: NdBa2Cu3O6.5)"
  std::unordered_map<std::string, Digest> rows_of_table_;  // content, by name within the table
  std::unordered_map<std::string, OfSamples> came_before_;  // by catalyst
  bool amounts_read_ = false;
  std::optional<TotalAmounts> amounts_;
  std::unordered_map<std::string, std::int64_t> known_;  // catalysts of this delivery, by key
};

}  // namespace kasetsu::campaign
