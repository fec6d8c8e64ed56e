// SPDX-License-Identifier: GPL-2.0
#include "format_text.h"

#include "text.h"

#include <algorithm>
#include <array>
#include <fmt/ostream.h>

namespace {

constexpr std::array aggregation_names{"off",  "tlp",    "qc-ncm", "mbim",   "rndis",
                                       "qmap", "qmapv2", "qmapv3", "qmapv4", "qmapv5"};

struct Value {
    const char *key, *label;
    Json value; // null: not there
};

// Everything, in the order in which it is printed.
std::vector<Value> values_of(const WdaFormat &format) {
    const auto plain = [](const auto &value) { return value ? Json(*value) : nullptr; };
    const auto named = [](const auto &value, auto name) {
        return value ? Json(name(*value)) : nullptr;
    };
    return {
        {"link_protocol", "link protocol", named(format.link_protocol, link_protocol_name)},
        {"ul_aggregation", "UL aggregation", named(format.ul_aggregation, aggregation_name)},
        {"dl_aggregation", "DL aggregation", named(format.dl_aggregation, aggregation_name)},
        {"ul_max_datagrams", "UL max datagrams", plain(format.ul_max_datagrams)},
        {"ul_max_size", "UL max size", plain(format.ul_max_size)},
        {"dl_max_datagrams", "DL max datagrams", plain(format.dl_max_datagrams)},
        {"dl_max_size", "DL max size", plain(format.dl_max_size)},
        {"dl_minimum_padding", "DL minimum padding", plain(format.dl_minimum_padding)},
        {"qos_header", "QoS header", plain(format.qos_header)},
        {"flow_control", "flow control", plain(format.flow_control)},
        {"ndp_signature", "NDP signature", plain(format.ndp_signature)},
    };
}

std::string text_of(const Json &value) {
    if (value.is_null())
        return "-";
    if (value.is_boolean())
        return value.get<bool>() ? "on" : "off";
    return value.is_string() ? value.get<std::string>() : value.dump();
}

} // namespace

std::string aggregation_name(uint32_t aggregation) {
    return aggregation < aggregation_names.size() ? aggregation_names[aggregation]
                                                  : std::to_string(aggregation);
}

std::string link_protocol_name(LinkProtocol protocol) {
    switch (protocol) {
    case LinkProtocol::ethernet:
        return "802.3";
    case LinkProtocol::raw_ip:
        return "raw-ip";
    default:
        return std::to_string(uint32_t(protocol));
    }
}

Json to_json(const WdaFormat &format) {
    Json object = Json::object();
    for (const Value &value : values_of(format))
        if (!value.value.is_null())
            object[value.key] = value.value;
    return object;
}

void print_table(std::ostream &out, const std::vector<Column> &columns,
                 const std::set<std::string> &marked) {
    std::vector<std::string> header{"", ""};
    std::vector<std::vector<Value>> values;
    for (const Column &column : columns) {
        header.push_back(column.title);
        values.push_back(values_of(column.format));
    }
    Table table(header);
    for (size_t row = 0; row < values.front().size(); row++) {
        if (std::ranges::all_of(values, [&](const auto &v) { return v[row].value.is_null(); }))
            continue;
        const Value &first = values.front()[row];
        std::vector<std::string> cells{marked.contains(first.key) ? "!" : "", first.label};
        for (const auto &column : values)
            cells.push_back(text_of(column[row].value));
        table.add(cells);
    }
    out << table.text();
}

void print_summary(std::ostream &out, const WdaFormat &format, uint32_t rx_urb_size) {
    fmt::print(out, "link_prot {}\n", uint32_t(format.link_protocol.value_or(LinkProtocol{})));
    for (const auto &[name, value] :
         {std::pair{"ul_data_aggregation_protocol", format.ul_aggregation},
          {"dl_data_aggregation_protocol", format.dl_aggregation},
          {"dl_data_aggregation_max_datagrams", format.dl_max_datagrams},
          {"dl_data_aggregation_max_size", format.dl_max_size},
          {"ul_data_aggregation_max_datagrams", format.ul_max_datagrams},
          {"ul_data_aggregation_max_size", format.ul_max_size}})
        fmt::print(out, "{} {}\n", name, value.value_or(0));
    fmt::print(out, "rx_urb_size {}\n", rx_urb_size);
}
