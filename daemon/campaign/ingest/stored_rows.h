// Which rows of a table that have no name of their own are stored already. docs/what-a-row-means.md
// has the rules.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// Why a measurement that is stored does not count, for the one who sends it again, and what brings
// it back; empty: it counts, it was corrected, or it is a limit of detection.
std::string not_live_text(const Measurement& measurement);
// Whether it is what its row says now: it counts, or it is a limit of detection, which counts when
// a person includes it.
bool stands(const Measurement& measurement);
// A value with the sign of its limit, for people: "<0.1", ">95", "12".
std::string value_text(const Measurement& measurement);
std::string value_text(const PreparedValue& value);
// Whether a later delivery took the measurement back, and no person: its row was emptied, or moved
// to another catalyst. Such a row that says the same again is a change.
bool was_taken_back(const Measurement& measurement);
// Why it was: the reasons that was_taken_back knows.
std::string emptied_reason(const std::string& delivery);
std::string moved_reason(const std::string& sample, const std::string& delivery);

class StoredRows {
 public:
  // rows: all rows of the delivery; first_new: seq of its first measurement. Everything given
  // outlives it.
  StoredRows(Transaction& tx, std::int64_t campaign, const std::vector<PreparedRow>& rows,
             const DeliveryOptions& options, std::int64_t first_new);

  // One value of a row, compared with what is stored.
  struct Found {
    enum class State { fresh, stored, changed } state = State::fresh;
    std::string measurement;   // stored, changed: the id of the one that is there
    std::string not_live;      // stored: why it does not count (not_live_text)
    std::string change;        // changed: "T_C is 700, the table now says 750"
    std::int64_t unnamed = 0;  // stored: the run that came without the row's name; 0: it has it
  };
  // For each value of the row, which is of the catalyst with this key. `ingest` is the delivery's
  // id: what is stored of it counts for rows with a label only.
  std::vector<Found> find(const PreparedRow& row, std::string_view catalyst,
                          std::string_view conditions, std::string_view ingest);

  // The same of a row of JSON, whose label names a sample and not the row: all of its values are
  // stored, or some that were all of a row, or none.
  std::vector<Found> find_measured(const PreparedRow& row, std::string_view catalyst,
                                   std::string_view conditions, std::string_view ingest);

  // Live measurements of a row with a label whose cells hold nothing now: they were taken back.
  std::vector<Measurement> find_emptied(const PreparedRow& row, std::string_view catalyst,
                                        std::string_view conditions, std::string_view ingest);

  // A row that is stored already, or with another value, or that holds nothing any more: to be
  // asked about.
  void ask_emptied(const PreparedRow& row, const Measurement& stored);
  void ask_repeated(const PreparedRow& row);
  // A row of which some values are stored, and others are new.
  void ask_completed(const PreparedRow& row);
  // A row that is stored already, and is kept as another measurement.
  void tell_repeated(const PreparedRow& row);
  // A row of a table that is stored already by what it says, and is left out.
  void tell_skipped(const PreparedRow& row);
  void ask_changed(const PreparedRow& row, const std::string& change);
  // A row that is stored under a name that another row of this delivery has now.
  void ask_moved(const PreparedRow& row, const std::string& name);
  std::optional<Error> question() const;
  // What was not asked about; empty: nothing.
  std::string note() const;

 private:
  struct Stored {
    Measurement measurement;
    bool matched = false;
  };
  // What tells a row's values from those of other rows, beside its catalyst.
  struct RowIdentity {
    const PreparedRow& row;
    std::string_view source, run, conditions, sample, ingest;
  };
  // What is stored of one catalyst.
  struct OfCatalyst {
    std::vector<Stored> all;                                                // in the order of `seq`
    std::unordered_map<std::int64_t, std::vector<std::size_t>> rows;        // by Measurement::row
    std::unordered_map<std::string, std::vector<std::int64_t>> with_value;  // rows, by value_key
    std::unordered_map<std::string, std::vector<std::size_t>> of_sample;    // by sample
  };
  static std::string value_key(std::string_view property, std::string_view conditions,
                               double value);
  static bool is_same_value(const Stored& one, const PreparedValue& value);
  static bool is_alike(const Stored& one, const RowIdentity& identity, std::string_view property,
                       bool any_conditions);
  // A row without a label is known by one row that no other row of this delivery is: it has all of
  // its values, or some and no other value of what this row measures, when it was completed later.
  static void find_whole(OfCatalyst& stored, const RowIdentity& identity,
                         std::vector<Found>& found);
  // The values of a row with a label are known one by one.
  void find_labelled(OfCatalyst& stored, const RowIdentity& identity, std::vector<Found>& found);
  static void keep_standing(std::vector<Stored*>& all);
  static void mark_stored(Stored& one, Found& found);
  // A row with a label of which nothing is stored under it: it may have come without one, or under
  // the label that another row has now (names that are numbers of lines).
  void find_unnamed(OfCatalyst& stored, const RowIdentity& identity, std::vector<Found>& found);
  // The same of a row without a name that is stored under one: the table came without its names.
  void find_named(OfCatalyst& stored, const RowIdentity& identity, std::vector<Found>& found);
  void find_moved(const OfCatalyst& stored, const RowIdentity& identity, std::string_view catalyst);
  OfCatalyst& stored_of(std::string_view catalyst);
  RowIdentity identity_of(const PreparedRow& row, std::string_view conditions,
                          std::string_view ingest) const;

  Transaction& tx_;
  std::int64_t campaign_;
  const DeliveryOptions& options_;
  std::map<std::string, OfCatalyst, std::less<>> stored_;     // by catalyst
  std::map<std::string, int, std::less<>> labels_;            // how many rows have a sample's label
  std::map<std::string, std::string, std::less<>> of_label_;  // catalyst of a name's last row
  bool anything_stored_ = false;                              // of the campaign, before
  std::int64_t first_new_;
  bool own_runs_ = false;                 // rows tell their run
  std::vector<std::string> named_twice_;  // places of rows with an --id that another row has
  std::string first_twice_;
  std::size_t rows_ = 0;
  std::vector<std::string> repeated_, completed_, changed_, moved_, told_,
      skipped_;                       // places of rows
  std::vector<std::string> changes_;  // the first few
  std::string first_moved_;
};

}  // namespace kasetsu::campaign
