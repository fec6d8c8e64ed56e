// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "modem.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

// A module of some family, unless a test has it do something else. By default an EC25.
class FakeModem : public Modem {
  public:
    Aggregation newest = Aggregation::qmap;
    bool qmap_only = false;     // 5G
    bool ethernet_only = false; // old
    uint32_t dl_datagrams = 10, dl_size = 4096, ul_datagrams = 16, ul_size = 4096;

    WdaFormat format{.qos_header = false,
                     .link_protocol = LinkProtocol::ethernet,
                     .ul_aggregation = 0,
                     .dl_aggregation = 0}; // in force
    std::optional<Error> silent;           // what every request ends in
    std::optional<Error> lost;             // what a request to set ends in, though it is done
    // Instead of the family's answer; by number of the request to set, from 1.
    std::function<Result<WdaFormat>(unsigned, const WdaFormat &)> answer;

    std::vector<Endpoint> endpoints; // of all requests
    std::vector<WdaFormat> requests; // to set
    std::chrono::seconds timeout{};

    static FakeModem rm500q() {
        FakeModem modem;
        modem.newest = Aggregation::qmap_v5;
        modem.qmap_only = true;
        modem.dl_datagrams = 62;
        modem.dl_size = 31744;
        modem.ul_datagrams = 11;
        modem.ul_size = 8192;
        modem.format = modem.family_answer({});
        return modem;
    }

    void set_timeout(std::chrono::seconds seconds) override { timeout = seconds; }
    Result<WdaFormat> data_format(const Endpoint &endpoint) override {
        endpoints.push_back(endpoint);
        if (silent)
            return tl::unexpected(*silent);
        return format;
    }
    Result<WdaFormat> set_data_format(const Endpoint &endpoint, const WdaFormat &wanted) override {
        endpoints.push_back(endpoint);
        requests.push_back(wanted);
        if (silent)
            return tl::unexpected(*silent);
        Result<WdaFormat> result = answer ? answer(requests.size(), wanted) : family_answer(wanted);
        if (result)
            format = *result;
        if (lost)
            return tl::unexpected(*lost);
        return result;
    }

    WdaFormat family_answer(const WdaFormat &wanted) const {
        const auto agreed = [&](std::optional<uint32_t> asked) {
            if (asked.value_or(0) == 0 || ethernet_only)
                return qmap_only ? uint32_t(newest) : 0;
            return std::min(*asked, uint32_t(newest));
        };
        const auto limited = [](std::optional<uint32_t> asked, uint32_t limit) {
            return std::min(asked.value_or(limit), limit);
        };
        WdaFormat agreement;
        agreement.qos_header = wanted.qos_header.value_or(false);
        agreement.link_protocol = wanted.link_protocol.value_or(LinkProtocol::raw_ip);
        if (ethernet_only)
            agreement.link_protocol = LinkProtocol::ethernet;
        agreement.ul_aggregation = agreed(wanted.ul_aggregation);
        agreement.dl_aggregation = agreed(wanted.dl_aggregation);
        const bool on = agreement.dl_aggregation != 0;
        agreement.dl_max_datagrams = on ? limited(wanted.dl_max_datagrams, dl_datagrams) : 0;
        agreement.dl_max_size = on ? limited(wanted.dl_max_size, dl_size) : 0;
        agreement.ul_max_datagrams = on ? limited(wanted.ul_max_datagrams, ul_datagrams) : 0;
        agreement.ul_max_size = on ? limited(wanted.ul_max_size, ul_size) : 0;
        agreement.dl_minimum_padding = 0;
        return agreement;
    }
};
