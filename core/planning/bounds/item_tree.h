// Things that look alike lie together: a binary tree over the rows of a table. The search by
// bounds divides elements and contexts along it.
#pragma once

#include <Eigen/Core>
#include <bitset>
#include <cstddef>
#include <vector>

#include "core/base/control.h"

namespace kasetsu::planning {

// Some of the items of a tree whose leaves are single: places of nodes are kept in 8 bits, so that
// there are at most 128 items.
using Items = std::bitset<128>;

struct ItemTree {
  struct Node {
    std::vector<int> items;  // rows of the table, ascending
    std::size_t left = 0;    // places in `nodes`, both 0: not divided
    std::size_t right = 0;
    double spread = 0.0;  // sum over the columns of the range of its items' values
  };
  std::vector<Node> nodes;  // the root, which holds all, comes first
};

// rows: one an item, finite, at least one. The node with the largest spread is divided first, into
// those that are nearer to one and those that are nearer to the other of two items that lie far
// apart, until there are `most_nodes` or all items of each node are equal; `to_single`: until each
// has one item. Stopped: a tree of which less is divided.
ItemTree item_tree(const Eigen::MatrixXd& rows, std::size_t most_nodes, bool to_single,
                   const Control& control);

}  // namespace kasetsu::planning
