// kasetsu replay --history: a table that was measured in batches, played again.
#pragma once

#include "daemon/cli/files/model_arguments.h"

namespace kasetsu::cli {

// Each batch is predicted by what was known before it and judges the hypotheses; prints what became
// of them. Errors: those of selection::play_batches and of reading the table.
Status replay_history(const TableArguments& table, const ModelArguments& model, Session& session);

}  // namespace kasetsu::cli
