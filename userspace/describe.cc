// SPDX-License-Identifier: GPL-2.0
#include "describe.h"

#include "format_text.h"
#include "usb_ids.h"

#include <fmt/format.h>

namespace {

constexpr uint32_t first_mux_id = 0x81;
constexpr uint32_t most_pdns = 8;

// How a module is made to show its QMI interface.
std::string to_qmi(const Module &module) {
    switch (module.vendor_id) {
    case usb_vendor::quectel:
        return "send it AT+QCFG=\"usbnet\",0 and then AT+CFUN=1,1";
    case usb_vendor::simcom:
        return "send it AT+CUSBPIDSWITCH=9001,1,1";
    default:
        return "its maker's manual has the AT command that makes it QMI (RmNet)";
    }
}

} // namespace

const char *describe(NetworkCard card) {
    switch (card) {
    case NetworkCard::qmi:
        return "qmi";
    case NetworkCard::ecm:
        return "ecm";
    case NetworkCard::mbim:
        return "mbim";
    case NetworkCard::rndis:
        return "rndis";
    case NetworkCard::ncm:
        return "ncm";
    case NetworkCard::none:
        break;
    }
    return "none";
}

const char *describe(Event::Kind kind) {
    switch (kind) {
    case Event::Kind::device_added:
        return "device-added";
    case Event::Kind::device_removed:
        return "device-removed";
    case Event::Kind::device_changed:
        return "device-changed";
    case Event::Kind::mux_added:
        return "mux-added";
    case Event::Kind::mux_removed:
        return "mux-removed";
    case Event::Kind::link:
        return "link";
    case Event::Kind::lost:
        break;
    }
    return "events-lost";
}

std::string name_of(const Module &module) {
    const std::string &name = module.netdev.empty() ? module.usb_path : module.netdev;
    return module.model.empty() ? name : fmt::format("{} ({})", name, module.model);
}

std::optional<uint32_t> mode_of(const Module &module) {
    return module.q ? module.q->mode : module.files.qmap_mode;
}

std::optional<std::string> link_protocol_of(const Module &module) {
    if (module.q && module.q->format.link_protocol != LinkProtocol::unknown)
        return link_protocol_name(module.q->format.link_protocol);
    if (module.files.raw_ip)
        return link_protocol_name(*module.files.raw_ip ? LinkProtocol::raw_ip
                                                       : LinkProtocol::ethernet);
    return std::nullopt;
}

std::optional<std::string> aggregation_of(const Module &module) {
    if (!module.q)
        return std::nullopt;
    return aggregation_name(static_cast<uint32_t>(module.q->format.qmap));
}

std::optional<uint32_t> number_of(const Pdn &pdn) {
    if (pdn.mux_id == 0)
        return 1;
    if (pdn.mux_id < first_mux_id || pdn.mux_id >= first_mux_id + most_pdns)
        return std::nullopt;
    return pdn.mux_id - first_mux_id + 1;
}

std::string mux_id_text(uint32_t mux_id) {
    return mux_id ? fmt::format("{:#04x}", mux_id) : "-";
}

std::vector<std::string> problems_of(const Module &module) {
    if (module.card == NetworkCard::qmi) {
        if (!module.driver.empty())
            return {};
        return {fmt::format("No driver has its QMI interface: modprobe qmi_wwan_q; if that is "
                            "loaded: echo {} >/sys/bus/usb/drivers/qmi_wwan_q/bind",
                            module.usb_path)};
    }
    const std::string what = module.card == NetworkCard::none
                                 ? "It shows no network interface"
                                 : fmt::format("It is in {} mode, not QMI", describe(module.card));
    if (!may_have_qmi(module.vendor_id, module.product_id))
        return {what + ", and is not on a Qualcomm chip: qmi_wwan_q is not for it."};
    return {fmt::format("{}: {}.", what, to_qmi(module))};
}
