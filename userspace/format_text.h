// SPDX-License-Identifier: GPL-2.0
#pragma once

// The WDA data format as people and programs read it.

#include "json.h"
#include "module.h"

#include <ostream>
#include <set>
#include <string>
#include <vector>

// "off", "qmap", "qmapv5"...; the number if it has no name.
std::string aggregation_name(uint32_t aggregation);
// "raw-ip", "802.3"; the number if it has no name.
std::string link_protocol_name(LinkProtocol protocol);

// What is there of it, by key: "link_protocol", "dl_max_size"...
Json to_json(const WdaFormat &format);

// Formats side by side, a row for each value that one of them has; an exclamation mark before
// those whose keys are in `marked`.
struct Column {
    std::string title;
    WdaFormat format;
};
void print_table(std::ostream &out, const std::vector<Column> &columns,
                 const std::set<std::string> &marked = {});

// The lines that dialling programs of old print, and scripts know.
void print_summary(std::ostream &out, const WdaFormat &format, uint32_t rx_urb_size);
