// SPDX-License-Identifier: GPL-2.0
#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

namespace bench {

namespace {

using Cell = std::function<std::string(const Row &, size_t column)>;

std::string pad(const std::string &text, size_t width, bool right) {
    const std::string space(width - std::min(width, text.size()), ' ');
    return right ? space + text : text + space;
}

std::string without_space_at_end(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

std::string upper_of(const std::string &heading) {
    return heading.substr(0, heading.find('\n'));
}

std::string lower_of(const std::string &heading) {
    const size_t end = heading.find('\n');
    return end == std::string::npos ? "" : heading.substr(end + 1);
}

std::string layout(const std::vector<Row> &rows, const std::vector<Column> &columns,
                   const Cell &cell) {
    constexpr size_t title_width = 22, width = 13;
    std::vector<std::vector<std::string>> cells;
    std::vector<bool> used(columns.size());
    for (const Row &row : rows) {
        cells.emplace_back();
        for (size_t i = 0; i < columns.size(); i++) {
            cells.back().push_back(cell(row, i));
            used[i] = used[i] || !cells.back().back().empty();
        }
    }
    if (std::ranges::none_of(used, std::identity()))
        return "";
    std::string upper(title_width, ' '), lower = upper, body;
    for (size_t i = 0; i < columns.size(); i++) {
        if (!used[i])
            continue;
        upper += pad(upper_of(columns[i].heading), width, true);
        lower += pad(lower_of(columns[i].heading), width, true);
    }
    for (size_t r = 0; r < rows.size(); r++) {
        if (std::ranges::all_of(cells[r], &std::string::empty))
            continue;
        std::string line = pad(rows[r].title, title_width, false);
        for (size_t i = 0; i < columns.size(); i++)
            if (used[i])
                line += pad(cells[r][i].empty() ? "-" : cells[r][i], width, true);
        body += without_space_at_end(line);
    }
    return without_space_at_end(upper) + without_space_at_end(lower) + body;
}

std::string escaped(const std::string &text) {
    std::string out;
    for (char c : text)
        out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
    return out;
}

std::string number(double value, int decimals) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.*f", decimals, value);
    return text;
}

} // namespace

std::string table(const Figures &figures, const std::vector<Row> &rows,
                  const std::vector<Column> &columns, int decimals) {
    return layout(rows, columns, [&](const Row &row, size_t i) {
        return figures.has(columns[i].subject, row.scenario)
                   ? number(figures.median(columns[i].subject, row.scenario), decimals)
                   : "";
    });
}

std::string ratios(const Figures &figures, const std::vector<Row> &rows,
                   const std::vector<Column> &columns, const std::vector<std::string> &of) {
    return layout(rows, columns, [&](const Row &row, size_t i) -> std::string {
        if (!figures.has(columns[i].subject, row.scenario) || !figures.has(of[i], row.scenario))
            return "";
        return number(figures.median(of[i], row.scenario) /
                          figures.median(columns[i].subject, row.scenario),
                      2);
    });
}

std::string chart(const Figures &figures, const std::string &title, const std::vector<Row> &rows,
                  const std::vector<Column> &columns) {
    constexpr int width = 820, left = 150, right = 60, top = 64, bar = 11, gap = 10;
    // Told apart by people who see no red or green, too.
    static const char *const colours[] = {"#9aa0a6", "#e69f00", "#56b4e9", "#0072b2", "#009e73"};
    double most = 1;
    for (const Row &row : rows)
        for (const Column &column : columns)
            most = std::max(most, figures.median(column.subject, row.scenario));
    const double scale = (width - left - right) / most;

    std::string body;
    auto text = [&](int x, int y, const char *anchor, const std::string &content) {
        body += "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) +
                "\" text-anchor=\"" + anchor + "\">" + escaped(content) + "</text>\n";
    };
    auto box = [&](int x, int y, int w, size_t column) {
        body += "<rect x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" width=\"" +
                std::to_string(w) + "\" height=\"" + std::to_string(bar - 1) + "\" fill=\"" +
                colours[column % std::size(colours)] + "\"/>\n";
    };
    text(8, 20, "start", title);
    int x = 8;
    for (size_t i = 0; i < columns.size(); i++) {
        std::string name = upper_of(columns[i].heading) + " " + lower_of(columns[i].heading);
        box(x, 34, bar, i);
        text(x + bar + 5, 43, "start", name);
        x += bar + 18 + int(name.size()) * 7;
    }
    int y = top;
    for (const Row &row : rows) {
        const int begin = y;
        for (size_t i = 0; i < columns.size(); i++) {
            if (!figures.has(columns[i].subject, row.scenario))
                continue;
            const double figure = figures.median(columns[i].subject, row.scenario);
            box(left, y, int(figure * scale), i);
            text(left + int(figure * scale) + 4, y + bar - 2, "start", number(figure, 0));
            y += bar;
        }
        if (y == begin)
            continue;
        text(left - 8, (begin + y) / 2 + 4, "end", row.title);
        y += gap;
    }
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + std::to_string(width) +
           "\" height=\"" + std::to_string(y) +
           "\" font-family=\"sans-serif\" font-size=\"11\">\n"
           "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" +
           body + "</svg>\n";
}

} // namespace bench
