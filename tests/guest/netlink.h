// SPDX-License-Identifier: GPL-2.0
// The driver's generic netlink family as a program sees it, and rtnetlink's view of its links.
#pragma once

#include "../../driver/uapi/linux/qmi_wwan_q.h"
#include "host.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct nl_msg;
struct nl_sock;
struct nlattr;
struct nlmsghdr;

namespace guest {

struct NlPdn {
    uint32_t mux_id = 0;
    uint32_t ifindex = 0; // 0: not told
    std::string netdev;
    uint32_t link = 0;
    bool flow_off = false;
};

struct NlFormat {
    uint32_t link_protocol = 0;
    uint32_t qmap_version = 0;
    uint32_t rx_urb_size = 0;
    uint32_t ul_max_datagrams = 0;
    uint32_t ul_max_size = 0;
    uint32_t dl_padding = 0;

    bool operator==(const NlFormat &) const = default;
};

// A message about a module. What it does not have stays at 0.
struct NlDevice {
    uint8_t command = 0;
    uint32_t ifindex = 0;
    std::string netdev;
    std::string usb_path;
    uint32_t vendor_id = 0;
    uint32_t product_id = 0;
    uint32_t usb_speed = 0;
    uint32_t ep_type = 0;
    uint32_t interface = 0;
    std::string family;
    uint32_t mode = 0;
    uint32_t link_state = 0;
    std::optional<NlFormat> format;
    bool agreed = false;
    std::vector<NlPdn> pdns;

    // nullptr if there is none.
    const NlPdn *find(uint32_t mux_id) const;
};

struct NlReply {
    int error = 0;       // errno
    std::string message; // of the extended ack
    std::optional<NlDevice> device;
    bool interrupted = false; // a dump whose parts may not fit together
    std::vector<NlDevice> devices;
};

// What of a format a request names.
struct NlFormatChange {
    std::optional<uint32_t> link_protocol = {};
    std::optional<uint32_t> qmap_version = {};
    std::optional<uint32_t> rx_urb_size = {};
    std::optional<uint32_t> ul_max_datagrams = {};
    std::optional<uint32_t> ul_max_size = {};
    std::optional<uint32_t> dl_padding = {};
};

// A socket of the family; throws if there is no such family. Requests wait for their ack.
class Netlink {
  public:
    Netlink();
    ~Netlink();
    Netlink(const Netlink &) = delete;
    Netlink &operator=(const Netlink &) = delete;

    NlReply dump();
    NlReply get(unsigned ifindex);
    NlReply set_mode(unsigned ifindex, uint32_t mode);
    NlReply set_format(unsigned ifindex, const NlFormatChange &change);
    NlReply set_link(unsigned ifindex, uint32_t mux_id, uint32_t link);
    NlReply add_mux(unsigned ifindex, uint32_t mux_id);
    NlReply delete_mux(unsigned ifindex, uint32_t mux_id);
    // A request with whatever attributes: their bytes, as on the wire.
    NlReply raw(uint8_t command, const std::vector<uint8_t> &attributes, int flags = 0);

    // From now on events arrive here.
    void subscribe();
    // The next event; nullopt after the time-out.
    std::optional<NlDevice> event(std::chrono::milliseconds timeout = patience);
    // Events that have been lost since the last call (the socket's buffer was full).
    bool overrun();

  private:
    struct Request;
    NlReply talk(Request &request);

    std::unique_ptr<nl_sock, void (*)(nl_sock *)> socket_;
    int family_;
    bool overrun_ = false;
};

// What RTM_GETLINK says of a netdev.
struct Link {
    std::string kind;
    std::optional<uint32_t> mux_id;
    std::string port_name;
    uint32_t master = 0; // IFLA_LINK
};
Link link_of(const std::string &netdev);
// RTM_DELLINK, and RTM_NEWLINK that makes a link of a kind.
NlReply delete_link(unsigned ifindex);
NlReply make_link(const std::string &netdev, const std::string &kind, const std::string &parent);

} // namespace guest
