// SPDX-License-Identifier: GPL-2.0
#include "json.h"

#include "describe.h"

#include <fmt/format.h>

namespace {

Json format_json(const Module &module) {
    if (!module.q)
        return {{"link_protocol", or_null(link_protocol_of(module))},
                {"qmap", nullptr},
                {"rx_urb_size", or_null(module.files.qmap_size)},
                {"ul_max_datagrams", nullptr},
                {"ul_max_size", nullptr},
                {"dl_padding", nullptr},
                {"agreed", nullptr}};
    const DriverFormat &format = module.q->format;
    return {{"link_protocol", or_null(link_protocol_of(module))},
            {"qmap", or_null(aggregation_of(module))},
            {"rx_urb_size", format.rx_urb_size},
            {"ul_max_datagrams", format.ul_max_datagrams},
            {"ul_max_size", format.ul_max_size},
            {"dl_padding", format.dl_padding},
            {"agreed", format.agreed}};
}

// What every PDN has, and all that an event tells of it.
Json pdn_json(const Pdn &pdn) {
    return {{"pdn", or_null(number_of(pdn))}, {"mux_id", pdn.mux_id},   {"netdev", pdn.netdev},
            {"ifindex", pdn.ifindex},         {"carrier", pdn.carrier}, {"flow_off", pdn.flow_off}};
}

std::string dump(const Json &json, int indent) {
    return json.dump(indent, ' ', true, Json::error_handler_t::replace) + "\n";
}

} // namespace

Json or_null(const std::string &text) {
    return text.empty() ? Json() : Json(text);
}

Json to_json(const Counters &counters) {
    return {{"packets", counters.packets},
            {"bytes", counters.bytes},
            {"errors", counters.errors},
            {"dropped", counters.dropped}};
}

Json to_json(const Pdn &pdn) {
    Json json = pdn_json(pdn);
    json["up"] = pdn.up;
    json["mtu"] = pdn.mtu;
    json["addresses"] = pdn.addresses;
    json["rx"] = to_json(pdn.rx);
    json["tx"] = to_json(pdn.tx);
    return json;
}

Json to_json(const Module &module) {
    Json pdns = Json::array();
    for (const Pdn &pdn : module.pdns)
        pdns.push_back(to_json(pdn));
    return {
        {"usb_path", module.usb_path},
        {"vendor_id", fmt::format("{:04x}", module.vendor_id)},
        {"product_id", fmt::format("{:04x}", module.product_id)},
        {"model", or_null(module.model)},
        {"serial", or_null(module.serial)},
        {"usb_speed", module.usb_speed},
        {"network_card", describe(module.card)},
        {"interface", module.interface},
        {"driver", or_null(module.driver)},
        {"control", or_null(module.control)},
        {"netdev", or_null(module.netdev)},
        {"ifindex", module.ifindex ? Json(module.ifindex) : Json()},
        {"up", module.up},
        {"family", module.q ? Json(module.q->family) : Json()},
        {"mode", or_null(mode_of(module))},
        {"link_state", module.q ? Json(module.q->link_state) : or_null(module.files.link_state)},
        {"format", format_json(module)},
        {"pdns", pdns},
        {"problems", problems_of(module)}};
}

Json to_json(const Event &event) {
    const Module &module = event.module;
    Json json = {{"event", describe(event.kind)}};
    if (event.kind == Event::Kind::lost)
        return json;
    json["usb_path"] = module.usb_path;
    json["netdev"] = module.netdev;
    json["ifindex"] = module.ifindex;
    json["mode"] = or_null(mode_of(module));
    json["format"] = module.q ? format_json(module) : Json();
    json["pdns"] = Json::array();
    for (const Pdn &pdn : module.pdns)
        json["pdns"].push_back(pdn_json(pdn));
    return json;
}

std::string pretty(const Json &json) {
    return dump(json, 2);
}

std::string one_line(const Json &json) {
    return dump(json, -1);
}
