// The daemon's answers as text. Nothing in them is taken for granted: what is absent or of another
// kind is "-".
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/cli/program/session.h"

namespace kasetsu::cli {

// A member of an object; null where there is none.
const Json& member(const Json& object, std::string_view name);
// A member that is a list; an empty one where there is none.
const Json& list_of(const Json& object, std::string_view name);
// A member as text: strings as they are, numbers short, "-" when it is absent or null.
std::string field(const Json& object, std::string_view name);
// A member as a number; NaN when it is none.
double number_of(const Json& object, std::string_view name);
// Description of a member `catalyst`, else its key.
std::string catalyst_text(const Json& object);

// Headers of a table, and the members that fill its columns. The member "catalyst" is described.
using Columns = std::initializer_list<std::pair<const char*, const char*>>;
TextTable table_of(const Json& items, Columns columns);
// With --json {"NAME": items}; else the table, or the sentence `nothing` where there are no items.
Status show_list(const char* name, const Json& items, Columns columns, std::string_view nothing,
                 Session& session);

// The sentences of the member "notes", unless --json shows them.
void say_notes(const Json& answer, Session& session);

}  // namespace kasetsu::cli
