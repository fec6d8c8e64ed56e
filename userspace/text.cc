// SPDX-License-Identifier: GPL-2.0
#include "text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace {

struct Character {
    size_t length = 1;
    std::optional<char32_t> code; // nullopt: not UTF-8
};

// The first character of a text that has one.
Character decode(std::string_view text) {
    const unsigned char lead = text[0];
    if (lead < 0x80)
        return {1, lead};
    const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length)
        return {};
    char32_t code = lead & (0xff >> (length + 1));
    for (const unsigned char next : text.substr(1, length - 1)) {
        if ((next & 0xc0) != 0x80)
            return {};
        code = code << 6 | (next & 0x3f);
    }
    constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return {};
    return {length, code};
}

bool harmless(char32_t code) {
    struct Range {
        char32_t first, last;
    };
    constexpr Range harmful[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff},
    };
    return std::ranges::none_of(
        harmful, [&](Range range) { return code >= range.first && code <= range.last; });
}

// Columns that a clean text takes; characters of double width don't matter here.
size_t width(std::string_view text) {
    return std::ranges::count_if(text, [](unsigned char byte) { return (byte & 0xc0) != 0x80; });
}

} // namespace

std::string clean(std::string_view text) {
    constexpr std::string_view spaces = " \t\r\n";
    const size_t first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos)
        return "";
    text = text.substr(first, text.find_last_not_of(spaces) + 1 - first);

    std::string cleaned;
    while (!text.empty()) {
        const Character character = decode(text);
        if (character.code && harmless(*character.code))
            cleaned += text.substr(0, character.length);
        else
            cleaned += '?';
        text.remove_prefix(character.length);
    }
    return cleaned;
}

std::string human_bytes(double bytes) {
    constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024)
        return fmt::format("{:.0f} B", bytes);
    size_t unit = 0;
    for (bytes /= 1024; bytes >= 1024 && unit + 1 < units.size(); bytes /= 1024)
        unit++;
    return fmt::format("{:.1f} {}", bytes, units[unit]);
}

std::optional<uint64_t> parse_number(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        text.remove_prefix(2);
        base = 16;
    }
    uint64_t value = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc() || stop != end)
        return std::nullopt;
    return value;
}

Result<uint32_t> parse_argument(const std::string &text, const std::string &what, uint32_t least,
                                uint32_t most) {
    const std::optional<uint64_t> value = parse_number(text);
    if (!value || *value < least || *value > most)
        return usage_error(
            fmt::format("'{}' is no {}: a number from {} to {}", text, what, least, most));
    return *value;
}

void Table::add(std::vector<std::string> row) {
    for (std::string &cell : row)
        cell = clean(cell);
    rows_.push_back(std::move(row));
}

std::string Table::text(std::string_view indent) const {
    std::vector<size_t> widths;
    for (const std::vector<std::string> &row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t column = 0; column < row.size(); column++)
            widths[column] = std::max(widths[column], width(row[column]));
    }
    std::string text;
    for (const std::vector<std::string> &row : rows_) {
        std::string line(indent);
        for (size_t column = 0; column < row.size(); column++) {
            line += row[column];
            line.append(widths[column] - width(row[column]) + 2, ' ');
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}
