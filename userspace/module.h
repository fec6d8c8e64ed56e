// SPDX-License-Identifier: GPL-2.0
#pragma once

// What qmapctl knows of a module. Plain values; no concern for where they come from.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Values as WDA codes them (QMI WDA Set Data Format, TLVs 11 to 13).
enum class LinkProtocol : uint32_t { unknown = 0, ethernet = 1, raw_ip = 2 };
enum class Aggregation : uint32_t { disabled = 0, qmap = 5, qmap_v5 = 9 };

struct Counters {
    uint64_t packets = 0;
    uint64_t bytes = 0;
    uint64_t errors = 0;
    uint64_t dropped = 0;
};

// A netdev that carries the packets of one PDN: the master in modes 0 and 1, else a mux netdev.
struct Pdn {
    uint32_t mux_id = 0; // 0 without QMAP
    unsigned ifindex = 0;
    std::string netdev;
    bool up = false;       // administratively
    bool carrier = false;  // the call is up
    bool flow_off = false; // the module has stopped the UL
    unsigned mtu = 0;
    std::vector<std::string> addresses; // with prefix length
    Counters rx, tx;
};

// What the driver uses. Sizes in bytes.
struct DriverFormat {
    LinkProtocol link_protocol = LinkProtocol::unknown;
    Aggregation qmap = Aggregation::disabled;
    uint32_t rx_urb_size = 0;
    uint32_t ul_max_datagrams = 0;
    uint32_t ul_max_size = 0;
    uint32_t dl_padding = 0;
    bool agreed = false; // set since the module arrived or was last reset
};

// How the module shows itself to the host: what Quectel calls the network-card type.
enum class NetworkCard { none, qmi, ecm, mbim, rndis, ncm };

// A module, whichever driver has it. Text that came from the module has been cleaned.
struct Module {
    // The QMI interface in sysfs, "1-1:1.4"; of another network card its control interface, and
    // without any the USB device, "1-1".
    std::string usb_path;
    NetworkCard card = NetworkCard::qmi;
    uint16_t vendor_id = 0;
    uint16_t product_id = 0;
    std::string model; // USB manufacturer and product strings
    std::string serial;
    uint32_t usb_speed = 0; // Mbit/s
    uint32_t interface = 0; // number of the QMI interface
    std::string driver;     // "qmi_wwan_q", "qmi_wwan", ...; empty: none
    std::string control;    // "/dev/cdc-wdm0"; empty: none
    std::string netdev;     // the master; empty: none
    unsigned ifindex = 0;
    bool up = false;

    // What only our qmi_wwan_q tells, and lets itself be told, by generic netlink.
    struct Qmap {
        std::string family;
        uint32_t ep_type = 2;
        uint32_t mode = 0;
        uint32_t link_state = 0; // bit n-1: PDN n
        DriverFormat format;
    };
    std::optional<Qmap> q;

    // What other drivers tell in sysfs: the in-tree qmi_wwan raw_ip, the vendor's the rest.
    struct Files {
        std::optional<bool> raw_ip;
        std::optional<uint32_t> qmap_mode, qmap_size, link_state;
    } files;

    std::vector<Pdn> pdns;
};

// The WDA data format, as asked for or as the module answered. An absent value is an absent TLV.
struct WdaFormat {
    std::optional<bool> qos_header{};
    std::optional<LinkProtocol> link_protocol{};
    std::optional<uint32_t> ul_aggregation{}; // 0, 5 QMAP, 9 QMAP v5, ...
    std::optional<uint32_t> dl_aggregation{};
    std::optional<uint32_t> ndp_signature{};
    std::optional<uint32_t> dl_max_datagrams{};
    std::optional<uint32_t> dl_max_size{};
    std::optional<uint32_t> dl_minimum_padding{};
    std::optional<uint32_t> ul_max_datagrams{};
    std::optional<uint32_t> ul_max_size{};
    std::optional<bool> flow_control{};

    bool operator==(const WdaFormat &) const = default;
};

// Which module to ask, and the endpoint TLV: to which of its data ports a request applies.
struct Endpoint {
    std::string control; // "/dev/cdc-wdm0"
    uint32_t type = 2;   // HSUSB
    uint32_t interface = 4;
};

inline Endpoint endpoint_of(const Module &module) {
    return {module.control, module.q ? module.q->ep_type : 2, module.interface};
}
