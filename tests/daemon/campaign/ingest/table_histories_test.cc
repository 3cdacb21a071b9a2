// Promise 12: tables that grow, are corrected, sorted anew, split and sent again, in any order and
// in any form, leave the measurements of their last state; true replicates are kept.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu::campaign {
namespace {

constexpr std::size_t kTables = 10'000;
constexpr std::size_t kTablesTogether = 100;  // in one transaction and one campaign

struct LaboratoryRow {
  std::string name;  // of the row, or its sequence
  std::string first, second, support;
  double temperature = 0.0;
  double yield = 0.0;
  std::optional<double> side_yield;

  std::string key() const {
    std::map<std::string, int> amounts;
    for (const std::string& slot : {first, second}) {
      if (slot != "none") ++amounts[slot];
    }
    std::string text;
    for (const auto& [symbol, amount] : amounts) {
      text += (text.empty() ? "" : ";") + symbol + ":" + std::to_string(amount);
    }
    return (text.empty() ? "-" : text) + "/" + support;
  }
};

// What tells the rows of a table.
enum class Identity {
  sample,    // a column of names
  sequence,  // a robot's run and sequence, by any door
  none       // nothing; told that the table grew
};

struct LaboratoryTable {
  std::string name;
  Identity identity = Identity::sample;
  std::vector<LaboratoryRow> rows;
};

class TableHistories : public testing::StoreTest {
 protected:
  using Live = std::tuple<std::string, std::string, std::string, double>;  // with the property

  void SetUp() override { open(); }

  template <typename T>
  const T& any_of(const std::vector<T>& choices) {
    return choices[draw_.below(choices.size())];
  }
  bool one_in(std::uint64_t count) { return draw_.below(count) == 0; }
  double value() { return static_cast<double>(draw_.below(400)) / 10.0; }

  LaboratoryTable make_table(std::size_t number) {
    static const std::vector<std::string> kSlots = {"Li", "Na", "K", "Cs", "none"};
    static const std::vector<std::string> kSupports = {"MgO", "SiO2"};
    LaboratoryTable table;
    table.name = "t" + std::to_string(number);
    table.identity = std::array{Identity::sample, Identity::sequence, Identity::none}[number % 3];
    const std::size_t rows = 1 + draw_.below(5);
    for (std::size_t i = 0; i < rows; ++i) {
      LaboratoryRow row;
      row.name = table.identity == Identity::sequence ? std::to_string(i + 1)
                                                      : table.name + "-" + std::to_string(i + 1);
      row.first = any_of(kSlots);
      row.second = any_of(kSlots);
      row.support = any_of(kSupports);
      // Tables without names are told from one another by their temperature alone.
      row.temperature = static_cast<double>(number) + (one_in(3) ? 0.5 : 0.0);
      row.yield = value();
      if (one_in(2)) row.side_yield = value();
      // A replicate that gave the same numbers.
      if (i > 0 && one_in(4)) {
        const std::string name = row.name;
        row = table.rows.back();
        row.name = name;
      }
      table.rows.push_back(row);
    }
    return table;
  }

  std::string number_text(double number, char decimal) {
    std::string text = format_number(number);
    if (one_in(3)) text = fmt::format("{:.2f}", number);
    std::replace(text.begin(), text.end(), '.', decimal);
    return text;
  }

  // The rows as one of the tables that laboratories write.
  std::string table_text(const LaboratoryTable& table, const std::vector<LaboratoryRow>& rows) {
    static const std::vector<char> kDelimiters = {',', ';', '\t'};
    const char delimiter = any_of(kDelimiters);
    const char decimal = delimiter == ';' && one_in(2) ? ',' : '.';
    const bool by_name = one_in(3);
    std::vector<std::string> header = by_name ? std::vector<std::string>{"catalyst"}
                                              : std::vector<std::string>{"M1", "M2", "Support"};
    for (const char* name : {"T", "C2_yield", "CO2_yield"}) header.emplace_back(name);
    if (table.identity == Identity::sample) header.emplace_back("sample");
    if (table.identity == Identity::sequence) header.emplace_back("sequence");
    if (one_in(3)) header.emplace_back("remark");
    for (std::size_t i = header.size() - 1; i > 0; --i) {
      std::swap(header[i], header[draw_.below(i + 1)]);
    }
    const auto cell_of = [&](const LaboratoryRow& row, const std::string& column) -> std::string {
      const bool swapped = row.name.back() % 2 == 0;
      if (column == "M1") return swapped ? row.second : row.first;
      if (column == "M2") return swapped ? row.first : row.second;
      if (column == "Support") return row.support;
      if (column == "catalyst") return row.key();
      if (column == "T") return number_text(row.temperature, decimal);
      if (column == "C2_yield") return number_text(row.yield, decimal);
      if (column == "CO2_yield") {
        return row.side_yield ? number_text(*row.side_yield, decimal) : one_in(2) ? "" : "n.d.";
      }
      return column == "remark" ? "seen" : row.name;
    };
    std::string text = one_in(4) ? "Results of the rig" + std::string(2, delimiter) + "\n" : "";
    const auto add_line = [&](const std::vector<std::string>& cells) {
      for (std::size_t i = 0; i < cells.size(); ++i) {
        text += (i > 0 ? std::string(1, delimiter) : "") + csv_cell(cells[i], delimiter);
      }
      text += "\n";
    };
    add_line(header);
    for (const LaboratoryRow& row : rows) {
      std::vector<std::string> cells;
      for (const std::string& column : header) cells.push_back(cell_of(row, column));
      add_line(cells);
    }
    return text;
  }

  std::string json_row(const LaboratoryRow& row) {
    std::string slots;
    for (const std::string& slot : {row.first, row.second}) {
      slots += (slots.empty() ? "\"" : ",\"") + slot + "\"";
    }
    std::string text = fmt::format(
        R"({{"catalyst":{{"slots":[{}],"support":"{}"}},"conditions":{{"T":{}}},"sequence":{},)"
        R"("values":{{"C2_yield":{})",
        slots, row.support, row.temperature, row.name, row.yield);
    if (row.side_yield) text += fmt::format(R"(,"CO2_yield":{})", *row.side_yield);
    return text + "}}";
  }

  // Some rows of a table in any order, in one of the forms in which they may come.
  PreparedDelivery delivery(const LaboratoryTable& table, std::vector<LaboratoryRow> rows,
                            bool revise) {
    for (std::size_t i = rows.size() - 1; i > 0; --i) std::swap(rows[i], rows[draw_.below(i + 1)]);
    DeliveryOptions options;
    options.revise = revise;
    options.source = "lab";
    options.run = table.name;
    std::string text;
    const bool json = table.identity == Identity::sequence && one_in(2);
    if (json && one_in(2)) {
      options.format = DeliveryFormat::ndjson;
      for (const LaboratoryRow& row : rows) text += json_row(row) + "\n";
    } else if (json) {
      std::vector<std::string> texts;
      for (const LaboratoryRow& row : rows) texts.push_back(json_row(row));
      text = body(texts);
    } else {
      options.format = DeliveryFormat::csv;
      options.properties = draft().properties;
      options.conditions = {"T"};
      options.ignore = {};
      if (table.identity == Identity::none) options.repeats = Repeats::skip;
      text = table_text(table, rows);
    }
    auto prepared = prepare_delivery(text, options, supports_);
    EXPECT_TRUE(prepared.ok()) << prepared.error().to_string() << "\n" << text;
    return prepared.ok() ? std::move(*prepared) : PreparedDelivery();
  }

  // The deliveries of one table: parts of it as it grows, often again, then its corrections, then
  // again what is right now.
  std::vector<PreparedDelivery> history(LaboratoryTable& table) {
    std::vector<PreparedDelivery> deliveries;
    std::vector<bool> sent(table.rows.size());
    const auto send_part = [&] {
      std::vector<LaboratoryRow> part;
      // Without names only whole tables that grew tell which rows are replicates.
      const std::size_t until = 1 + draw_.below(table.rows.size());
      for (std::size_t i = 0; i < table.rows.size(); ++i) {
        const bool here = table.identity == Identity::none ? i < until : one_in(2);
        if (!here) continue;
        part.push_back(table.rows[i]);
        sent[i] = true;
      }
      if (!part.empty()) deliveries.push_back(delivery(table, part, false));
    };
    for (std::uint64_t times = draw_.below(3); times > 0; --times) send_part();
    deliveries.push_back(delivery(table, table.rows, false));
    if (table.identity != Identity::none && one_in(2)) {
      for (LaboratoryRow& row : table.rows) {
        if (one_in(2)) row.yield = value();
      }
      deliveries.push_back(delivery(table, table.rows, true));
    }
    for (std::uint64_t times = draw_.below(2); times > 0; --times) send_part();
    return deliveries;
  }

  void take(const std::string& campaign, const std::vector<PreparedDelivery>& deliveries) {
    const auto taken = write<int>([&](Transaction& tx) -> Result<int> {
      for (const PreparedDelivery& one : deliveries) {
        auto receipt = ingest(tx, campaign, one, context("lab"));
        if (!receipt) return receipt.error().in(one.bytes);
        for (const RowVerdict& row : receipt->rows) {
          if (row.verdict != Verdict::quarantined) continue;
          return Error{ErrorCode::bad_data, "quarantined: " + row.reason, one.bytes, "", ""};
        }
      }
      return 0;
    });
    ASSERT_TRUE(taken.ok()) << taken.error().to_string();
  }

  // What only one of the two holds.
  static std::string differences(const std::multiset<Live>& live,
                                 const std::multiset<Live>& expected) {
    std::string text;
    for (const auto& [what, a, b] :
         {std::tuple{"too much", &live, &expected}, std::tuple{"missing", &expected, &live}}) {
      std::vector<Live> rest;
      std::set_difference(a->begin(), a->end(), b->begin(), b->end(), std::back_inserter(rest));
      for (const auto& [key, conditions, property, value] : rest) {
        text += fmt::format("{}: {} {} {} = {}\n", what, key, conditions, property, value);
      }
    }
    return text;
  }

  std::vector<Measurement> live_of(std::int64_t campaign) {
    return read<std::vector<Measurement>>([&](const Reader& reader) {
      MeasurementFilter filter;
      filter.live_only = true;
      Page page;
      page.limit = 1'000'000;
      return reader.measurements(campaign, filter, page);
    });
  }

  Random draw_{20'261'130};
};

TEST_F(TableHistories, TenThousandTablesInAnyOrderAndFormLeaveTheirLastState) {
  std::size_t deliveries = 0;
  for (std::size_t first = 0; first < kTables; first += kTablesTogether) {
    const std::string name = "tables-" + std::to_string(first);
    const Campaign campaign = apply(draft(name));
    std::multiset<Live> expected, live;
    std::vector<PreparedDelivery> together;
    for (std::size_t number = first; number < first + kTablesTogether; ++number) {
      LaboratoryTable table = make_table(number);
      for (PreparedDelivery& one : history(table)) together.push_back(std::move(one));
      for (const LaboratoryRow& row : table.rows) {
        const std::string conditions = "{\"T\":" + fmt::format("{:.1f}", row.temperature) + "}";
        expected.insert({row.key(), conditions, "C2_yield", row.yield});
        if (row.side_yield) expected.insert({row.key(), conditions, "CO2_yield", *row.side_yield});
      }
    }
    deliveries += together.size();
    take(name, together);
    if (HasFatalFailure()) return;
    for (const Measurement& one : live_of(campaign.key)) {
      live.insert({one.catalyst, one.conditions, one.property, one.value});
    }
    ASSERT_EQ(differences(live, expected), "") << name;
  }
  EXPECT_GT(deliveries, 2 * kTables);
}

}  // namespace
}  // namespace kasetsu::campaign
