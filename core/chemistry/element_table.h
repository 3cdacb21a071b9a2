// Properties of the elements: the raw material of every descriptor.
#pragma once

#include <Eigen/Core>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kasetsu::chemistry {

// A table of numbers, one row an element, one column a property.
// CSV: header `symbol,<property>,...`; one row an element; empty or `nan` cells are gaps (NaN).
// Extra rows before the data whose first cell begins with "#" are comments. Errors name file, line,
// column and value.
class ElementTable {
 public:
  static Result<ElementTable> from_csv(std::string_view text, std::string_view file_name);

  const std::vector<std::string>& properties() const { return properties_; }
  bool has(int element) const;  // by atomic number
  std::vector<int> elements() const;
  // Value of property column j for an element that the table has; NaN where there is a gap.
  double value(int element, std::size_t property) const;
  // SHA-independent content fingerprint (64-bit FNV-1a over symbols, names and the bits of the
  // values), as 16 hexadecimal digits: models name the table that they were made with.
  std::string fingerprint() const;

 private:
  std::vector<std::string> properties_;
  std::vector<int> row_of_;  // by atomic number, -1 where absent
  Eigen::MatrixXd values_;   // elements x properties
};

// The 65 elements over which AFE min-max normalises (METHOD: supplementary code of the AFE paper),
// as atomic numbers.
const std::vector<int>& afe65_elements();

}  // namespace kasetsu::chemistry
