// What the name of a catalyst in a row says, alone or beside columns of elements and amounts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/told_catalyst.h"
#include "drivers/tables/profile_columns.h"
#include "drivers/tables/sheet.h"
#include "drivers/tables/table_rows.h"

namespace kasetsu::tables {

// The supports that a table's names and its column of supports tell: what is a support in one row
// is one in the others, too, where it stands alone.
std::vector<std::string> supports_of_table(const Sheet& sheet, const MatchedColumns& columns,
                                           const chemistry::SupportTable& supports);

// Columns of elements and amounts beside names.
struct AmountColumns {
  std::string headers;    // as an option takes them: " \"Ni (wt%)\" \"Mg (wt%)\""
  bool measured = false;  // they say that they were measured: names may tell other amounts
};

// Keeps references to what it is made of. Errors are bad_data without a place.
class RowNames {
 public:
  RowNames(const ReadOptions& options, const chemistry::SupportTable& supports,
           const chemistry::CompositionRules& rules);

  // Takes a key as exports write it ("K:1;Li:1/MgO"), one with the unit that its export told
  // ("Ni:5/MgO [wt%]"), which becomes the campaign's, a name whose numbers have the unit that was
  // told, or a name.
  Status tell(const std::string& name, chemistry::ToldCatalyst& told) const;

  // "Ni/MgO", "5Ni/MgO" beside one column of amounts: the catalyst whose only element has that
  // amount. Nothing for a bare support and for what is no name.
  Result<std::optional<chemistry::Catalyst>> of_one_element(const std::string& name) const;

  // The number of such a name must be the amount that the column tells.
  Status check_amount(const std::string& name, const chemistry::ToldAmount& amount,
                      const AmountColumns& columns) const;

  // Of a name beside columns of elements: its support. The name must tell the elements that `told`
  // has, and no other amounts.
  Status take_support(const std::string& name, const AmountColumns& columns,
                      chemistry::ToldCatalyst& told) const;

  // Of a name beside columns that tell the whole catalyst: it must tell the same.
  Status check_label(const std::string& name, const AmountColumns& columns,
                     const chemistry::ToldCatalyst& told) const;

 private:
  // A key of an export, whose amounts have the unit, or are ratios.
  Status tell_exported(const std::string& key, const std::string& unit,
                       chemistry::ToldCatalyst& told) const;
  Status check_amounts(const std::string& name) const;
  Status check_support(const std::string& name, const std::string& own,
                       const std::string& told) const;
  Result<chemistry::Catalyst> plainly(const std::string& name) const;

  const std::string amounts_;  // the unit of numbers before elements
  const bool recognised_;      // without a profile, where a name may be any label
  const bool of_campaign_;     // which tells the supports there are
  const chemistry::SupportTable& supports_;
  const chemistry::CompositionRules& rules_;
};

}  // namespace kasetsu::tables
