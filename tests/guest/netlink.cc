// SPDX-License-Identifier: GPL-2.0
#include "netlink.h"

#include <cerrno>
#include <cstring>
#include <functional>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace guest {

namespace {

void check(int error, const char *what) {
    if (error < 0)
        throw std::runtime_error(std::string(what) + ": " + nl_geterror(error));
}

void ask_for_messages(nl_sock *socket) {
    const int on = 1;
    if (setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)))
        throw std::system_error(errno, std::generic_category(), "NETLINK_EXT_ACK");
}

void put(nl_msg *message, int type, const std::optional<uint32_t> &value) {
    if (value)
        check(nla_put_u32(message, type, *value), "nla_put_u32");
}

uint32_t number(const nlattr *attribute) {
    return attribute ? nla_get_u32(attribute) : 0;
}

std::string text(const nlattr *attribute) {
    return attribute ? nla_get_string(attribute) : "";
}

template <int max> using Attributes = std::array<nlattr *, max + 1>;

NlPdn pdn_of(nlattr *nest) {
    Attributes<QMI_WWAN_Q_A_PDN_MAX> a{};
    check(nla_parse_nested(a.data(), QMI_WWAN_Q_A_PDN_MAX, nest, nullptr), "PDN");
    return {number(a[QMI_WWAN_Q_A_PDN_MUX_ID]), number(a[QMI_WWAN_Q_A_PDN_IFINDEX]),
            text(a[QMI_WWAN_Q_A_PDN_IFNAME]), number(a[QMI_WWAN_Q_A_PDN_LINK]),
            a[QMI_WWAN_Q_A_PDN_FLOW_OFF] != nullptr};
}

NlFormat format_of(nlattr *nest) {
    Attributes<QMI_WWAN_Q_A_FORMAT_MAX> a{};
    check(nla_parse_nested(a.data(), QMI_WWAN_Q_A_FORMAT_MAX, nest, nullptr), "format");
    return {number(a[QMI_WWAN_Q_A_FORMAT_LINK_PROTOCOL]),
            number(a[QMI_WWAN_Q_A_FORMAT_QMAP_VERSION]),
            number(a[QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE]),
            number(a[QMI_WWAN_Q_A_FORMAT_UL_MAX_DATAGRAMS]),
            number(a[QMI_WWAN_Q_A_FORMAT_UL_MAX_SIZE]),
            number(a[QMI_WWAN_Q_A_FORMAT_DL_PADDING])};
}

NlDevice device_of(nlmsghdr *header) {
    auto *generic = static_cast<genlmsghdr *>(nlmsg_data(header));
    NlDevice device;
    device.command = generic->cmd;
    nlattr *a;
    int left;
    nlmsg_for_each_attr(a, header, GENL_HDRLEN, left) {
        switch (nla_type(a)) {
        case QMI_WWAN_Q_A_DEV_IFINDEX:
            device.ifindex = number(a);
            break;
        case QMI_WWAN_Q_A_DEV_IFNAME:
            device.netdev = text(a);
            break;
        case QMI_WWAN_Q_A_DEV_USB_PATH:
            device.usb_path = text(a);
            break;
        case QMI_WWAN_Q_A_DEV_VENDOR_ID:
            device.vendor_id = number(a);
            break;
        case QMI_WWAN_Q_A_DEV_PRODUCT_ID:
            device.product_id = number(a);
            break;
        case QMI_WWAN_Q_A_DEV_USB_SPEED:
            device.usb_speed = number(a);
            break;
        case QMI_WWAN_Q_A_DEV_EP_TYPE:
            device.ep_type = number(a);
            break;
        case QMI_WWAN_Q_A_DEV_INTERFACE:
            device.interface = number(a);
            break;
        case QMI_WWAN_Q_A_DEV_FAMILY:
            device.family = text(a);
            break;
        case QMI_WWAN_Q_A_DEV_MODE:
            device.mode = number(a);
            break;
        case QMI_WWAN_Q_A_DEV_LINK_STATE:
            device.link_state = number(a);
            break;
        case QMI_WWAN_Q_A_DEV_FORMAT:
            device.format = format_of(a);
            break;
        case QMI_WWAN_Q_A_DEV_FORMAT_AGREED:
            device.agreed = true;
            break;
        case QMI_WWAN_Q_A_DEV_PDN:
            device.pdns.push_back(pdn_of(a));
            break;
        default:
            throw std::runtime_error("unknown attribute " + std::to_string(nla_type(a)));
        }
    }
    return device;
}

// The message that goes with an ack or a refusal.
std::string message_of(nlmsghdr *header) {
    const auto *error = static_cast<nlmsgerr *>(nlmsg_data(header));
    if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
        return "";
    size_t offset = sizeof(*error);
    if (!(header->nlmsg_flags & NLM_F_CAPPED))
        offset += error->msg.nlmsg_len - sizeof(error->msg);
    nlattr *message = nlmsg_find_attr(header, int(offset), NLMSGERR_ATTR_MSG);
    return text(message);
}

// Waits for the ack, or the end of the dump; hands over what comes before.
NlReply exchange(nl_sock *socket, nl_msg *message,
                 const std::function<void(NlReply &, nlmsghdr *)> &take) {
    NlReply reply;
    check(nl_send_auto(socket, message), "nl_send_auto");
    for (;;) {
        sockaddr_nl from{};
        unsigned char *buffer = nullptr;
        const int size = nl_recv(socket, &from, &buffer, nullptr);
        check(size, "nl_recv");
        const std::unique_ptr<unsigned char, void (*)(void *)> owner(buffer, free);
        int left = size;
        for (auto *header = reinterpret_cast<nlmsghdr *>(buffer); nlmsg_ok(header, left);
             header = nlmsg_next(header, &left)) {
            reply.interrupted |= bool(header->nlmsg_flags & NLM_F_DUMP_INTR);
            if (header->nlmsg_type == NLMSG_DONE)
                return reply;
            if (header->nlmsg_type == NLMSG_ERROR) {
                reply.error = -static_cast<nlmsgerr *>(nlmsg_data(header))->error;
                reply.message = message_of(header);
                return reply;
            }
            take(reply, header);
        }
    }
}

} // namespace

const NlPdn *NlDevice::find(uint32_t mux_id) const {
    for (const NlPdn &pdn : pdns)
        if (pdn.mux_id == mux_id)
            return &pdn;
    return nullptr;
}

struct Netlink::Request {
    Request(int family, uint8_t command, int flags = 0) : message(nlmsg_alloc(), nlmsg_free) {
        if (!genlmsg_put(message.get(), NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_ACK | flags,
                         command, QMI_WWAN_Q_FAMILY_VERSION))
            throw std::bad_alloc();
    }
    Request(int family, uint8_t command, unsigned ifindex) : Request(family, command, 0) {
        put(message.get(), QMI_WWAN_Q_A_DEV_IFINDEX, ifindex);
    }
    void nest(int type, const std::vector<std::pair<int, std::optional<uint32_t>>> &numbers) {
        nlattr *start = nla_nest_start(message.get(), type | NLA_F_NESTED);
        for (const auto &[number, value] : numbers)
            put(message.get(), number, value);
        nla_nest_end_keep_empty(message.get(), start);
    }

    std::unique_ptr<nl_msg, void (*)(nl_msg *)> message;
};

Netlink::Netlink() : socket_(nl_socket_alloc(), nl_socket_free) {
    check(genl_connect(socket_.get()), "genl_connect");
    family_ = genl_ctrl_resolve(socket_.get(), QMI_WWAN_Q_FAMILY_NAME);
    check(family_, "no family " QMI_WWAN_Q_FAMILY_NAME);
    ask_for_messages(socket_.get());
}

Netlink::~Netlink() = default;

NlReply Netlink::talk(Request &request) {
    return exchange(socket_.get(), request.message.get(), [](NlReply &reply, nlmsghdr *header) {
        const NlDevice device = device_of(header);
        reply.devices.push_back(device);
        reply.device = device;
    });
}

NlReply Netlink::dump() {
    Request request(family_, QMI_WWAN_Q_CMD_DEV_GET, int(NLM_F_DUMP));
    return talk(request);
}

NlReply Netlink::get(unsigned ifindex) {
    Request request(family_, QMI_WWAN_Q_CMD_DEV_GET, ifindex);
    return talk(request);
}

NlReply Netlink::set_mode(unsigned ifindex, uint32_t mode) {
    Request request(family_, QMI_WWAN_Q_CMD_MODE_SET, ifindex);
    put(request.message.get(), QMI_WWAN_Q_A_DEV_MODE, mode);
    return talk(request);
}

NlReply Netlink::set_format(unsigned ifindex, const NlFormatChange &change) {
    Request request(family_, QMI_WWAN_Q_CMD_FORMAT_SET, ifindex);
    request.nest(QMI_WWAN_Q_A_DEV_FORMAT,
                 {{QMI_WWAN_Q_A_FORMAT_LINK_PROTOCOL, change.link_protocol},
                  {QMI_WWAN_Q_A_FORMAT_QMAP_VERSION, change.qmap_version},
                  {QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE, change.rx_urb_size},
                  {QMI_WWAN_Q_A_FORMAT_UL_MAX_DATAGRAMS, change.ul_max_datagrams},
                  {QMI_WWAN_Q_A_FORMAT_UL_MAX_SIZE, change.ul_max_size},
                  {QMI_WWAN_Q_A_FORMAT_DL_PADDING, change.dl_padding}});
    return talk(request);
}

NlReply Netlink::set_link(unsigned ifindex, uint32_t mux_id, uint32_t link) {
    Request request(family_, QMI_WWAN_Q_CMD_LINK_SET, ifindex);
    request.nest(QMI_WWAN_Q_A_DEV_PDN,
                 {{QMI_WWAN_Q_A_PDN_MUX_ID, mux_id}, {QMI_WWAN_Q_A_PDN_LINK, link}});
    return talk(request);
}

NlReply Netlink::add_mux(unsigned ifindex, uint32_t mux_id) {
    Request request(family_, QMI_WWAN_Q_CMD_MUX_ADD, ifindex);
    request.nest(QMI_WWAN_Q_A_DEV_PDN, {{QMI_WWAN_Q_A_PDN_MUX_ID, mux_id}});
    return talk(request);
}

NlReply Netlink::delete_mux(unsigned ifindex, uint32_t mux_id) {
    Request request(family_, QMI_WWAN_Q_CMD_MUX_DEL, ifindex);
    request.nest(QMI_WWAN_Q_A_DEV_PDN, {{QMI_WWAN_Q_A_PDN_MUX_ID, mux_id}});
    return talk(request);
}

NlReply Netlink::raw(uint8_t command, const std::vector<uint8_t> &attributes, int flags) {
    Request request(family_, command, flags);
    check(nlmsg_append(request.message.get(), const_cast<uint8_t *>(attributes.data()),
                       attributes.size(), 0),
          "nlmsg_append");
    return talk(request);
}

void Netlink::subscribe() {
    const int group =
        genl_ctrl_resolve_grp(socket_.get(), QMI_WWAN_Q_FAMILY_NAME, QMI_WWAN_Q_MCGRP_EVENTS);
    check(group, "no group " QMI_WWAN_Q_MCGRP_EVENTS);
    check(nl_socket_add_membership(socket_.get(), group), "nl_socket_add_membership");
}

std::optional<NlDevice> Netlink::event(std::chrono::milliseconds timeout) {
    pollfd p{nl_socket_get_fd(socket_.get()), POLLIN, 0};
    if (poll(&p, 1, int(timeout.count())) <= 0)
        return std::nullopt;
    sockaddr_nl from{};
    unsigned char *buffer = nullptr;
    const int size = nl_recv(socket_.get(), &from, &buffer, nullptr);
    overrun_ |= size == -NLE_NOMEM;
    if (size <= 0)
        return std::nullopt;
    const std::unique_ptr<unsigned char, void (*)(void *)> owner(buffer, free);
    return device_of(reinterpret_cast<nlmsghdr *>(buffer)); // one in each datagram
}

bool Netlink::overrun() {
    return std::exchange(overrun_, false);
}

namespace {

using LinkMessage = std::unique_ptr<nl_msg, void (*)(nl_msg *)>;

LinkMessage link_message(int type, unsigned ifindex, int flags = 0) {
    LinkMessage message(nlmsg_alloc_simple(type, NLM_F_ACK | flags), nlmsg_free);
    ifinfomsg info{};
    info.ifi_index = int(ifindex);
    check(nlmsg_append(message.get(), &info, sizeof(info), NLMSG_ALIGNTO), "nlmsg_append");
    return message;
}

NlReply talk_links(nl_msg *message, const std::function<void(NlReply &, nlmsghdr *)> &take) {
    const std::unique_ptr<nl_sock, void (*)(nl_sock *)> socket(nl_socket_alloc(), nl_socket_free);
    check(nl_connect(socket.get(), NETLINK_ROUTE), "nl_connect");
    ask_for_messages(socket.get());
    return exchange(socket.get(), message, take);
}

NlReply talk_links(const LinkMessage &message) {
    return talk_links(message.get(), [](NlReply &, nlmsghdr *) {});
}

} // namespace

Link link_of(const std::string &netdev) {
    Link link;
    talk_links(
        link_message(RTM_GETLINK, if_nametoindex(netdev.c_str())).get(),
        [&](NlReply &, nlmsghdr *header) {
            Attributes<IFLA_MAX> a{};
            check(nlmsg_parse(header, sizeof(ifinfomsg), a.data(), IFLA_MAX, nullptr), "link");
            if (const nlattr *name = a[IFLA_PHYS_PORT_NAME])
                link.port_name = text(name);
            link.master = number(a[IFLA_LINK]);
            if (!a[IFLA_LINKINFO])
                return;
            Attributes<IFLA_INFO_MAX> info{};
            nla_parse_nested(info.data(), IFLA_INFO_MAX, a[IFLA_LINKINFO], nullptr);
            link.kind = text(info[IFLA_INFO_KIND]);
            if (!info[IFLA_INFO_DATA])
                return;
            Attributes<QMI_WWAN_Q_IFLA_MAX> data{};
            nla_parse_nested(data.data(), QMI_WWAN_Q_IFLA_MAX, info[IFLA_INFO_DATA], nullptr);
            if (data[QMI_WWAN_Q_IFLA_MUX_ID])
                link.mux_id = number(data[QMI_WWAN_Q_IFLA_MUX_ID]);
        });
    return link;
}

NlReply delete_link(unsigned ifindex) {
    return talk_links(link_message(RTM_DELLINK, ifindex));
}

NlReply make_link(const std::string &netdev, const std::string &kind, const std::string &parent) {
    const LinkMessage message = link_message(RTM_NEWLINK, 0, NLM_F_CREATE | NLM_F_EXCL);
    check(nla_put_string(message.get(), IFLA_IFNAME, netdev.c_str()), "name");
    put(message.get(), IFLA_LINK, if_nametoindex(parent.c_str()));
    nlattr *info = nla_nest_start(message.get(), IFLA_LINKINFO);
    check(nla_put_string(message.get(), IFLA_INFO_KIND, kind.c_str()), "kind");
    nla_nest_end(message.get(), info);
    return talk_links(message);
}

} // namespace guest
