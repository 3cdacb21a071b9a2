// The names under which options tell the shape of a table.
#pragma once

#include "core/base/names.h"
#include "drivers/tables/table_rows.h"

namespace kasetsu::tables {

inline constexpr auto kShapeNames = name_table<Shape>({{Shape::automatic, "auto"},
                                                       {Shape::loadings, "loadings"},
                                                       {Shape::slots, "slots"},
                                                       {Shape::formula, "formula"}});

}  // namespace kasetsu::tables
