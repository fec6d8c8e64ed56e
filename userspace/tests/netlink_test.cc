// SPDX-License-Identifier: GPL-2.0
// Messages of the driver's, well formed and not. Each is in a buffer of its exact size, so that
// the sanitizer sees what reads beyond it.
#include "kernel_linux.h"
#include "netlink_genl.h"
#include "uapi/linux/qmi_wwan_q.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

namespace {

using Bytes = std::vector<uint8_t>;

template <typename T> Bytes bytes_of(const T &value) {
    const auto *first = reinterpret_cast<const uint8_t *>(&value);
    return {first, first + sizeof(value)};
}

Bytes operator+(Bytes a, const Bytes &b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// `length` is what the header says, if that is not the truth.
Bytes attribute(uint16_t type, const Bytes &payload, std::optional<uint16_t> length = {}) {
    Bytes all = bytes_of(nlattr{length.value_or(uint16_t(sizeof(nlattr) + payload.size())), type}) +
                payload;
    all.resize(NLA_ALIGN(all.size()));
    return all;
}

Bytes u32(uint16_t type, uint32_t value) {
    return attribute(type, bytes_of(value));
}

Bytes text(uint16_t type, const std::string &text) {
    return attribute(type, Bytes(text.begin(), text.end()) + Bytes{0});
}

// A message, aligned as in a socket's buffer.
class Message {
  public:
    Message(const Bytes &content, uint16_t type = 0x20, uint16_t flags = 0)
        : buffer_(new (std::align_val_t(alignment)) uint8_t[NLMSG_HDRLEN + content.size()]) {
        nlmsghdr header{};
        header.nlmsg_len = NLMSG_HDRLEN + content.size();
        header.nlmsg_type = type;
        header.nlmsg_flags = flags;
        memcpy(buffer_.get(), &header, sizeof(header));
        std::copy(content.begin(), content.end(), buffer_.get() + NLMSG_HDRLEN);
    }
    const nlmsghdr &header() const { return *reinterpret_cast<nlmsghdr *>(buffer_.get()); }

  private:
    static constexpr size_t alignment = 8;
    struct Free {
        void operator()(uint8_t *buffer) const {
            ::operator delete[](buffer, std::align_val_t(alignment));
        }
    };
    std::unique_ptr<uint8_t[], Free> buffer_;
};

Message generic(uint8_t command, const Bytes &attributes) {
    return Message(bytes_of(genlmsghdr{command, QMI_WWAN_Q_FAMILY_VERSION, 0}) + attributes);
}

Bytes pdn(uint32_t mux_id, const std::string &netdev, bool flow_off = false) {
    return attribute(QMI_WWAN_Q_A_DEV_PDN,
                     u32(QMI_WWAN_Q_A_PDN_MUX_ID, mux_id) +
                         u32(QMI_WWAN_Q_A_PDN_IFINDEX, mux_id - 0x70) +
                         text(QMI_WWAN_Q_A_PDN_IFNAME, netdev) + u32(QMI_WWAN_Q_A_PDN_LINK, 1) +
                         (flow_off ? attribute(QMI_WWAN_Q_A_PDN_FLOW_OFF, {}) : Bytes{}));
}

Bytes device() {
    return u32(QMI_WWAN_Q_A_DEV_IFINDEX, 10) + text(QMI_WWAN_Q_A_DEV_IFNAME, "wwan0") +
           text(QMI_WWAN_Q_A_DEV_USB_PATH, "1-1:1.4") + u32(QMI_WWAN_Q_A_DEV_VENDOR_ID, 0x2c7c) +
           u32(QMI_WWAN_Q_A_DEV_PRODUCT_ID, 0x0125) + u32(QMI_WWAN_Q_A_DEV_USB_SPEED, 480) +
           u32(QMI_WWAN_Q_A_DEV_EP_TYPE, 2) + u32(QMI_WWAN_Q_A_DEV_INTERFACE, 4) +
           text(QMI_WWAN_Q_A_DEV_FAMILY, "mdm9x07") + u32(QMI_WWAN_Q_A_DEV_MODE, 2) +
           u32(QMI_WWAN_Q_A_DEV_LINK_STATE, 3) +
           attribute(QMI_WWAN_Q_A_DEV_FORMAT, u32(QMI_WWAN_Q_A_FORMAT_LINK_PROTOCOL, 2) +
                                                  u32(QMI_WWAN_Q_A_FORMAT_QMAP_VERSION, 9) +
                                                  u32(QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE, 31744) +
                                                  u32(QMI_WWAN_Q_A_FORMAT_UL_MAX_DATAGRAMS, 11) +
                                                  u32(QMI_WWAN_Q_A_FORMAT_UL_MAX_SIZE, 8192) +
                                                  u32(QMI_WWAN_Q_A_FORMAT_DL_PADDING, 16)) +
           attribute(QMI_WWAN_Q_A_DEV_FORMAT_AGREED, {}) + pdn(0x81, "wwan0.1") +
           pdn(0x82, "wwan0.2", true);
}

TEST(Netlink, AModule) {
    const auto module = genl::parse_module(generic(QMI_WWAN_Q_CMD_DEV_GET, device()).header());
    ASSERT_TRUE(module);
    EXPECT_EQ(module->ifindex, 10u);
    EXPECT_EQ(module->netdev, "wwan0");
    EXPECT_EQ(module->usb_path, "1-1:1.4");
    EXPECT_EQ(module->vendor_id, 0x2c7c);
    EXPECT_EQ(module->product_id, 0x0125);
    EXPECT_EQ(module->usb_speed, 480u);
    EXPECT_EQ(module->interface, 4u);
    ASSERT_TRUE(module->q);
    EXPECT_EQ(module->q->family, "mdm9x07");
    EXPECT_EQ(module->q->ep_type, 2u);
    EXPECT_EQ(module->q->mode, 2u);
    EXPECT_EQ(module->q->link_state, 3u);
    EXPECT_EQ(module->q->format.link_protocol, LinkProtocol::raw_ip);
    EXPECT_EQ(module->q->format.qmap, Aggregation::qmap_v5);
    EXPECT_EQ(module->q->format.rx_urb_size, 31744u);
    EXPECT_EQ(module->q->format.ul_max_datagrams, 11u);
    EXPECT_EQ(module->q->format.ul_max_size, 8192u);
    EXPECT_EQ(module->q->format.dl_padding, 16u);
    EXPECT_TRUE(module->q->format.agreed);
    ASSERT_EQ(module->pdns.size(), 2u);
    EXPECT_EQ(module->pdns[0].mux_id, 0x81u);
    EXPECT_EQ(module->pdns[0].netdev, "wwan0.1");
    EXPECT_EQ(module->pdns[0].ifindex, 0x11u);
    EXPECT_TRUE(module->pdns[0].carrier);
    EXPECT_FALSE(module->pdns[0].flow_off);
    EXPECT_TRUE(module->pdns[1].flow_off);
}

TEST(Netlink, Events) {
    const std::pair<uint8_t, Event::Kind> kinds[] = {
        {QMI_WWAN_Q_CMD_DEV_ADD_NTF, Event::Kind::device_added},
        {QMI_WWAN_Q_CMD_DEV_DEL_NTF, Event::Kind::device_removed},
        {QMI_WWAN_Q_CMD_DEV_CHANGE_NTF, Event::Kind::device_changed},
        {QMI_WWAN_Q_CMD_MUX_ADD_NTF, Event::Kind::mux_added},
        {QMI_WWAN_Q_CMD_MUX_DEL_NTF, Event::Kind::mux_removed},
        {QMI_WWAN_Q_CMD_LINK_NTF, Event::Kind::link},
    };
    for (const auto &[command, kind] : kinds) {
        const auto event = genl::parse_event(generic(command, device()).header());
        ASSERT_TRUE(event);
        EXPECT_EQ(event->kind, kind);
        EXPECT_EQ(event->module.netdev, "wwan0");
    }
    // What is no event, or is not known yet.
    for (const uint8_t command : {0, int(QMI_WWAN_Q_CMD_DEV_GET), QMI_WWAN_Q_CMD_MAX + 1, 255})
        EXPECT_FALSE(genl::parse_event(generic(command, device()).header()));
}

TEST(Netlink, AttributesOfTheFutureAreSkipped) {
    const Bytes future = attribute(QMI_WWAN_Q_A_DEV_MAX + 1, {1, 2, 3}) + attribute(1000, {});
    const auto module =
        genl::parse_module(generic(QMI_WWAN_Q_CMD_DEV_GET, future + device() + future).header());
    ASSERT_TRUE(module);
    EXPECT_EQ(module->netdev, "wwan0");
}

TEST(Netlink, AModuleThatTellsNothing) {
    const auto module = genl::parse_module(generic(QMI_WWAN_Q_CMD_DEV_GET, {}).header());
    ASSERT_TRUE(module);
    EXPECT_EQ(module->ifindex, 0u);
    EXPECT_FALSE(module->q);
    EXPECT_TRUE(module->pdns.empty());
}

TEST(Netlink, AttributesOfTheWrongSizeSpoilTheMessage) {
    for (const Bytes &bad :
         {attribute(QMI_WWAN_Q_A_DEV_IFINDEX, {}), attribute(QMI_WWAN_Q_A_DEV_IFINDEX, {1}),
          attribute(QMI_WWAN_Q_A_DEV_MODE, {1, 2, 3}), attribute(QMI_WWAN_Q_A_DEV_IFNAME, {}),
          attribute(QMI_WWAN_Q_A_DEV_IFNAME, {'w', 'w'}),
          attribute(QMI_WWAN_Q_A_DEV_FAMILY, Bytes(4096, 'x'))})
        EXPECT_FALSE(genl::parse_module(generic(QMI_WWAN_Q_CMD_DEV_GET, device() + bad).header()));
}

TEST(Netlink, LengthsThatLie) {
    // Beyond the end, or less than a header: what is left of the message is not read.
    for (const uint16_t length : {0, 1, 3, 9, 100, 0xffff}) {
        const Bytes bad = attribute(QMI_WWAN_Q_A_DEV_IFINDEX, {1, 0, 0, 0}, length);
        const auto module = genl::parse_module(generic(QMI_WWAN_Q_CMD_DEV_GET, bad).header());
        EXPECT_TRUE(!module || module->ifindex == 0) << length;
        const Bytes nest = attribute(QMI_WWAN_Q_A_DEV_PDN,
                                     attribute(QMI_WWAN_Q_A_PDN_MUX_ID, {1, 0, 0, 0}, length));
        const auto other = genl::parse_module(generic(QMI_WWAN_Q_CMD_DEV_GET, nest).header());
        EXPECT_TRUE(!other || other->pdns.empty() || other->pdns[0].mux_id == 0) << length;
    }
}

TEST(Netlink, BadNestsAreLeftOut) {
    const Bytes bad_pdn = attribute(QMI_WWAN_Q_A_DEV_PDN, attribute(QMI_WWAN_Q_A_PDN_LINK, {1}));
    const Bytes bad_format =
        attribute(QMI_WWAN_Q_A_DEV_FORMAT, attribute(QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE, {1, 2}));
    const auto module =
        genl::parse_module(generic(QMI_WWAN_Q_CMD_DEV_GET, u32(QMI_WWAN_Q_A_DEV_MODE, 1) + bad_pdn +
                                                               pdn(0x81, "wwan0") + bad_format)
                               .header());
    ASSERT_TRUE(module);
    ASSERT_EQ(module->pdns.size(), 1u);
    EXPECT_EQ(module->pdns[0].netdev, "wwan0");
    EXPECT_EQ(module->q->format.rx_urb_size, 0u);
}

// Cut anywhere, a message is read to its end and no further.
TEST(Netlink, CutMessages) {
    const Bytes whole = bytes_of(genlmsghdr{QMI_WWAN_Q_CMD_DEV_ADD_NTF, 1, 0}) + device();
    for (size_t length = 0; length < whole.size(); length++) {
        const Message message(Bytes(whole.begin(), whole.begin() + length));
        if (length < sizeof(genlmsghdr))
            EXPECT_FALSE(genl::parse_module(message.header()));
        else
            genl::parse_event(message.header());
    }
}

nlmsgerr error_for(uint32_t request_length) {
    nlmsgerr error{};
    error.error = -16;
    error.msg.nlmsg_len = request_length;
    return error;
}

TEST(Netlink, TheReasonOfARefusal) {
    const Bytes reason = text(NLMSGERR_ATTR_MSG, "wwan0.1 is up");
    const Bytes offset = u32(NLMSGERR_ATTR_OFFS, 20);
    EXPECT_EQ(genl::parse_reason(Message(bytes_of(error_for(NLMSG_HDRLEN + 8)) + reason + offset,
                                         NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED)
                                     .header()),
              "wwan0.1 is up");
    // Not capped: the request is in between.
    EXPECT_EQ(genl::parse_reason(
                  Message(bytes_of(error_for(NLMSG_HDRLEN + 7)) + Bytes(8, 0xff) + offset + reason,
                          NLMSG_ERROR, NLM_F_ACK_TLVS)
                      .header()),
              "wwan0.1 is up");
}

TEST(Netlink, NoReason) {
    const Bytes reason = text(NLMSGERR_ATTR_MSG, "why");
    const auto reason_of = [](const Bytes &content, uint16_t flags) {
        return genl::parse_reason(Message(content, NLMSG_ERROR, flags).header());
    };
    const uint16_t capped = NLM_F_ACK_TLVS | NLM_F_CAPPED;
    EXPECT_EQ(reason_of(bytes_of(error_for(16)) + reason, NLM_F_CAPPED), "");
    EXPECT_EQ(reason_of(bytes_of(error_for(16)), capped), "");
    EXPECT_EQ(reason_of(bytes_of(error_for(16)) + u32(NLMSGERR_ATTR_OFFS, 1), capped), "");
    EXPECT_EQ(reason_of(Bytes(4), capped), "");
    EXPECT_EQ(reason_of({}, capped), "");
    // Text without its end, or longer than the message.
    EXPECT_EQ(
        reason_of(bytes_of(error_for(16)) + attribute(NLMSGERR_ATTR_MSG, {'w', 'h', 'y', '!'}),
                  capped),
        "");
    EXPECT_EQ(
        reason_of(bytes_of(error_for(16)) + attribute(NLMSGERR_ATTR_MSG, {'w'}, 4000), capped), "");
    // The request's length is a lie.
    for (const uint32_t length :
         {0u, 1u, 15u, 17u, 64u, 1000u, 0x7fffffffu, 0xfffffff0u, 0xffffffffu})
        EXPECT_EQ(reason_of(bytes_of(error_for(length)) + reason, NLM_F_ACK_TLVS), "") << length;
}

Module with_path(const std::string &usb_path, const std::string &netdev) {
    Module module;
    module.usb_path = usb_path;
    module.netdev = netdev;
    return module;
}

TEST(Merge, WhatTheDriverTellsGoesToItsModule) {
    std::vector<Module> found = {with_path("1-1:1.4", "old"), with_path("1-2:1.4", "wwan1")};
    found[0].model = "Quectel EC25";
    found[0].control = "/dev/cdc-wdm0";
    found[0].files.qmap_mode = 4;
    found[0].pdns.resize(7);
    Module told = with_path("1-1:1.4", "wwan0");
    told.ifindex = 10;
    told.q.emplace();
    told.pdns.resize(2);

    const std::vector<Module> merged = merge(found, {told, with_path("1-0:1.4", "wwan2")});
    ASSERT_EQ(merged.size(), 3u);
    EXPECT_EQ(merged[0].netdev, "wwan2"); // in sysfs it has not come yet, or has gone
    EXPECT_EQ(merged[1].netdev, "wwan0");
    EXPECT_EQ(merged[1].ifindex, 10u);
    EXPECT_EQ(merged[1].model, "Quectel EC25");
    EXPECT_EQ(merged[1].control, "/dev/cdc-wdm0");
    EXPECT_TRUE(merged[1].q);
    EXPECT_EQ(merged[1].files.qmap_mode, std::nullopt);
    EXPECT_EQ(merged[1].pdns.size(), 2u);
    EXPECT_EQ(merged[2].netdev, "wwan1");
    EXPECT_FALSE(merged[2].q);
}

} // namespace
