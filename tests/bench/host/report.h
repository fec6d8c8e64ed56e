// SPDX-License-Identifier: GPL-2.0
// The figures for people: a table, and a chart for the README.
#pragma once

#include "figures.h"

#include <string>
#include <vector>

namespace bench {

struct Column {
    std::string subject; // in the figures
    std::string heading; // two lines
};

struct Row {
    std::string scenario; // in the figures
    std::string title;
};

// Rows and columns without any figure are left out; empty if none are left.
std::string table(const Figures &figures, const std::vector<Row> &rows,
                  const std::vector<Column> &columns, int decimals);

// For each row how many times the instructions of each column its counterpart in 'of' takes: over
// 1 where the column is the better. 'of' names a subject for each column; empty: none.
std::string ratios(const Figures &figures, const std::vector<Row> &rows,
                   const std::vector<Column> &columns, const std::vector<std::string> &of);

// Bars, in groups by row; SVG.
std::string chart(const Figures &figures, const std::string &title, const std::vector<Row> &rows,
                  const std::vector<Column> &columns);

} // namespace bench
