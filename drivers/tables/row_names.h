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

// Keeps references to what it is made of. Errors are bad_data without a place.
class RowNames {
 public:
  RowNames(const ReadOptions& options, const chemistry::SupportTable& supports,
           const chemistry::CompositionRules& rules);

  // Takes a key as exports write it ("K:1;Li:1/MgO"), one with the unit that its export told
  // ("Ni:5/MgO [wt%]"), which becomes the campaign's, a name whose numbers have the unit that was
  // told, or a name.
  Status tell(const std::string& name, chemistry::ToldCatalyst& told) const;

  // "Ni/MgO" beside one column of amounts: the catalyst whose only element has that amount. Nothing
  // for a bare support and for what is no name.
  Result<std::optional<chemistry::Catalyst>> of_one_element(const std::string& name) const;

  // Of a name beside columns of elements: its support. The name must tell the elements that `told`
  // has. `columns`: their headers, as an option takes them.
  Status take_support(const std::string& name, const std::string& columns,
                      chemistry::ToldCatalyst& told) const;

 private:
  // A key of an export, whose amounts have the unit, or are ratios.
  Status tell_exported(const std::string& key, const std::string& unit,
                       chemistry::ToldCatalyst& told) const;
  Status check_amounts(const std::string& name) const;
  Result<chemistry::Catalyst> plainly(const std::string& name) const;

  const std::string amounts_;  // the unit of numbers before elements
  const bool recognised_;      // without a profile, where a name may be any label
  const bool of_campaign_;     // which tells the supports there are
  const chemistry::SupportTable& supports_;
  const chemistry::CompositionRules& rules_;
};

}  // namespace kasetsu::tables
