// SPDX-License-Identifier: GPL-2.0
#include "netlink_genl.h"

#include "text.h"
#include "uapi/linux/qmi_wwan_q.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <linux/genetlink.h>
#include <memory>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <sys/socket.h>

namespace genl {

namespace {

struct Delete {
    void operator()(nl_sock *socket) const { nl_socket_free(socket); }
    void operator()(nl_msg *message) const { nlmsg_free(message); }
};
template <typename T> using Owned = std::unique_ptr<T, Delete>;

// ---- Messages

// libnl checks the length of numbers and that text has its end.
constexpr std::array<nla_policy, QMI_WWAN_Q_A_DEV_MAX + 1> device_policy = [] {
    std::array<nla_policy, QMI_WWAN_Q_A_DEV_MAX + 1> policy{};
    for (const int number :
         {QMI_WWAN_Q_A_DEV_IFINDEX, QMI_WWAN_Q_A_DEV_VENDOR_ID, QMI_WWAN_Q_A_DEV_PRODUCT_ID,
          QMI_WWAN_Q_A_DEV_USB_SPEED, QMI_WWAN_Q_A_DEV_EP_TYPE, QMI_WWAN_Q_A_DEV_INTERFACE,
          QMI_WWAN_Q_A_DEV_MODE, QMI_WWAN_Q_A_DEV_LINK_STATE})
        policy[number].type = NLA_U32;
    for (const int text :
         {QMI_WWAN_Q_A_DEV_IFNAME, QMI_WWAN_Q_A_DEV_USB_PATH, QMI_WWAN_Q_A_DEV_FAMILY})
        policy[text].type = NLA_STRING;
    for (const int nest : {QMI_WWAN_Q_A_DEV_FORMAT, QMI_WWAN_Q_A_DEV_PDN})
        policy[nest].type = NLA_NESTED;
    policy[QMI_WWAN_Q_A_DEV_FORMAT_AGREED].type = NLA_FLAG;
    return policy;
}();

constexpr std::array<nla_policy, QMI_WWAN_Q_A_FORMAT_MAX + 1> format_policy = [] {
    std::array<nla_policy, QMI_WWAN_Q_A_FORMAT_MAX + 1> policy{};
    for (nla_policy &attribute : policy)
        attribute.type = NLA_U32;
    return policy;
}();

constexpr std::array<nla_policy, QMI_WWAN_Q_A_PDN_MAX + 1> pdn_policy = [] {
    std::array<nla_policy, QMI_WWAN_Q_A_PDN_MAX + 1> policy{};
    for (const int number :
         {QMI_WWAN_Q_A_PDN_MUX_ID, QMI_WWAN_Q_A_PDN_IFINDEX, QMI_WWAN_Q_A_PDN_LINK})
        policy[number].type = NLA_U32;
    policy[QMI_WWAN_Q_A_PDN_IFNAME].type = NLA_STRING;
    policy[QMI_WWAN_Q_A_PDN_FLOW_OFF].type = NLA_FLAG;
    return policy;
}();

template <size_t size> using Attributes = std::array<nlattr *, size>;

template <size_t size>
std::optional<Attributes<size>> parse_nest(nlattr *nest,
                                           const std::array<nla_policy, size> &policy) {
    Attributes<size> attributes{};
    if (nla_parse_nested(attributes.data(), size - 1, nest, policy.data()) < 0)
        return std::nullopt;
    return attributes;
}

uint32_t number(const nlattr *attribute) {
    return attribute ? nla_get_u32(attribute) : 0;
}

std::string text(const nlattr *attribute) {
    return attribute ? std::string(nla_get_string(attribute)) : "";
}

DriverFormat parse_format(nlattr *nest) {
    DriverFormat format;
    const auto attributes = parse_nest(nest, format_policy);
    if (!attributes)
        return format;
    const auto &of = *attributes;
    format.link_protocol = static_cast<LinkProtocol>(number(of[QMI_WWAN_Q_A_FORMAT_LINK_PROTOCOL]));
    format.qmap = static_cast<Aggregation>(number(of[QMI_WWAN_Q_A_FORMAT_QMAP_VERSION]));
    format.rx_urb_size = number(of[QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE]);
    format.ul_max_datagrams = number(of[QMI_WWAN_Q_A_FORMAT_UL_MAX_DATAGRAMS]);
    format.ul_max_size = number(of[QMI_WWAN_Q_A_FORMAT_UL_MAX_SIZE]);
    format.dl_padding = number(of[QMI_WWAN_Q_A_FORMAT_DL_PADDING]);
    return format;
}

std::optional<Pdn> parse_pdn(nlattr *nest) {
    const auto attributes = parse_nest(nest, pdn_policy);
    if (!attributes)
        return std::nullopt;
    const auto &of = *attributes;
    Pdn pdn;
    pdn.mux_id = number(of[QMI_WWAN_Q_A_PDN_MUX_ID]);
    pdn.ifindex = number(of[QMI_WWAN_Q_A_PDN_IFINDEX]);
    pdn.netdev = text(of[QMI_WWAN_Q_A_PDN_IFNAME]);
    pdn.carrier = number(of[QMI_WWAN_Q_A_PDN_LINK]) != 0;
    pdn.flow_off = of[QMI_WWAN_Q_A_PDN_FLOW_OFF] != nullptr;
    return pdn;
}

std::optional<Event::Kind> kind_of(uint8_t command) {
    switch (command) {
    case QMI_WWAN_Q_CMD_DEV_ADD_NTF:
        return Event::Kind::device_added;
    case QMI_WWAN_Q_CMD_DEV_DEL_NTF:
        return Event::Kind::device_removed;
    case QMI_WWAN_Q_CMD_DEV_CHANGE_NTF:
        return Event::Kind::device_changed;
    case QMI_WWAN_Q_CMD_MUX_ADD_NTF:
        return Event::Kind::mux_added;
    case QMI_WWAN_Q_CMD_MUX_DEL_NTF:
        return Event::Kind::mux_removed;
    case QMI_WWAN_Q_CMD_LINK_NTF:
        return Event::Kind::link;
    default:
        return std::nullopt;
    }
}

// ---- Requests

// How the kernel took a request.
struct Answer {
    int code = 0; // errno
    std::string reason;
    std::vector<Module> modules;
    bool complete = false;
};

int on_valid(nl_msg *message, void *answer) noexcept {
    if (std::optional<Module> module = parse_module(*nlmsg_hdr(message)))
        static_cast<Answer *>(answer)->modules.push_back(*std::move(module));
    return NL_OK;
}

int on_end(nl_msg *, void *answer) noexcept {
    static_cast<Answer *>(answer)->complete = true;
    return NL_STOP;
}

int on_error(sockaddr_nl *, nlmsgerr *error, void *argument) noexcept {
    auto *answer = static_cast<Answer *>(argument);
    const auto *message =
        reinterpret_cast<const nlmsghdr *>(reinterpret_cast<const char *>(error) - NLMSG_HDRLEN);
    answer->code = -error->error;
    answer->reason = parse_reason(*message);
    answer->complete = true;
    return NL_STOP;
}

// In the kernel's own words if there are any.
std::string reason_of(const Answer &answer) {
    if (!answer.reason.empty())
        return clean(answer.reason);
    switch (answer.code) {
    case EPERM:
        return "that needs CAP_NET_ADMIN: run it as root";
    case ENODEV:
        return "the module has gone";
    default:
        return strerror(answer.code);
    }
}

// A socket that talks to the family.
class Session {
  public:
    // ENOENT: the driver is not loaded.
    static Result<Session> open() {
        Session session;
        session.socket_.reset(nl_socket_alloc());
        if (!session.socket_)
            return failure("can't open a netlink socket: no memory", ENOMEM);
        if (const int error = genl_connect(session.socket_.get()); error < 0)
            return failure(fmt::format("can't open a netlink socket: {}", nl_geterror(error)), EIO);
        session.family_ = genl_ctrl_resolve(session.socket_.get(), QMI_WWAN_Q_FAMILY_NAME);
        if (session.family_ == -NLE_OBJ_NOTFOUND)
            return failure("qmi_wwan_q is not loaded, or is not the one that this program is of",
                           ENOENT);
        if (session.family_ < 0)
            return failure(fmt::format("can't ask for the netlink family of qmi_wwan_q: {}",
                                       nl_geterror(session.family_)),
                           EIO);
        // Errors shall say why, and need not repeat what was asked. Kernels that don't know these
        // give a number only.
        const int on = 1, fd = nl_socket_get_fd(session.socket_.get());
        setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
        setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
        return session;
    }

    nl_sock *socket() const { return socket_.get(); }
    int family() const { return family_; }

    // `put` adds the attributes.
    template <typename Put> Answer request(uint8_t command, int flags, Put put) const {
        Answer answer;
        const Owned<nl_msg> message(nlmsg_alloc());
        if (!message ||
            !genlmsg_put(message.get(), NL_AUTO_PORT, NL_AUTO_SEQ, family_, 0, flags, command,
                         QMI_WWAN_Q_FAMILY_VERSION) ||
            put(message.get()) < 0) {
            answer.code = ENOMEM;
            return answer;
        }
        nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, on_valid, &answer);
        nl_socket_modify_cb(socket_.get(), NL_CB_ACK, NL_CB_CUSTOM, on_end, &answer);
        nl_socket_modify_cb(socket_.get(), NL_CB_FINISH, NL_CB_CUSTOM, on_end, &answer);
        nl_socket_modify_err_cb(socket_.get(), NL_CB_CUSTOM, on_error, &answer);
        int error = nl_send_auto(socket_.get(), message.get());
        while (error >= 0 && !answer.complete)
            error = nl_recvmsgs_default(socket_.get());
        // What the kernel refuses has its own code, and ends the reception with one too.
        if (error == -NLE_DUMP_INTR) {
            answer.code = EAGAIN; // something changed while it was being listed
        } else if (error < 0 && !answer.complete) {
            answer.code = EIO;
            answer.reason = nl_geterror(error);
        }
        return answer;
    }

  private:
    Owned<nl_sock> socket_;
    int family_ = 0;
};

// Asks for a change of a module. `what` is what can't be done if it is refused.
template <typename Put>
Result<std::vector<Module>> change(const Module &module, uint8_t command, const std::string &what,
                                   Put put) {
    const Result<Session> session = Session::open();
    if (!session)
        return tl::unexpected(session.error());
    Answer answer = session->request(command, 0, [&](nl_msg *message) {
        const int error = nla_put_u32(message, QMI_WWAN_Q_A_DEV_IFINDEX, module.ifindex);
        return error < 0 ? error : put(message);
    });
    if (answer.code != 0)
        return failure(fmt::format("can't {}: {}", what, reason_of(answer)), answer.code);
    return std::move(answer.modules);
}

// `put` adds what is in the nest; it returns less than 0 if there is no room.
template <typename Put> int put_nest(nl_msg *message, int attribute, Put put) {
    nlattr *nest = nla_nest_start(message, attribute);
    if (!nest || put() < 0)
        return -NLE_NOMEM;
    return nla_nest_end(message, nest);
}

int put_mux_id(nl_msg *message, uint32_t mux_id) {
    return put_nest(message, QMI_WWAN_Q_A_DEV_PDN,
                    [&] { return nla_put_u32(message, QMI_WWAN_Q_A_PDN_MUX_ID, mux_id); });
}

Status without_answer(const Result<std::vector<Module>> &answer) {
    if (!answer)
        return tl::unexpected(answer.error());
    return {};
}

// ---- Events

struct Monitor {
    const std::function<bool(const Event &)> &on_event;
    bool ended = false;
    bool unloaded = false;
};

// Whether the family is gone.
bool is_unload(const nlmsghdr &message) {
    std::array<nlattr *, CTRL_ATTR_MAX + 1> attributes{};
    std::array<nla_policy, CTRL_ATTR_MAX + 1> policy{};
    policy[CTRL_ATTR_FAMILY_NAME].type = NLA_STRING;
    if (genlmsg_parse(const_cast<nlmsghdr *>(&message), 0, attributes.data(), CTRL_ATTR_MAX,
                      policy.data()) < 0)
        return false;
    return static_cast<const genlmsghdr *>(nlmsg_data(&message))->cmd == CTRL_CMD_DELFAMILY &&
           text(attributes[CTRL_ATTR_FAMILY_NAME]) == QMI_WWAN_Q_FAMILY_NAME;
}

int on_monitored(nl_msg *message, void *argument) noexcept {
    auto *monitor = static_cast<Monitor *>(argument);
    const nlmsghdr &header = *nlmsg_hdr(message);
    if (header.nlmsg_type == GENL_ID_CTRL) {
        monitor->unloaded = is_unload(header);
        monitor->ended |= monitor->unloaded;
    } else if (const std::optional<Event> event = parse_event(header)) {
        monitor->ended = !monitor->on_event(*event);
    }
    return monitor->ended ? NL_STOP : NL_OK;
}

Result<int> group_of(nl_sock *socket, const char *family, const char *group) {
    const int number = genl_ctrl_resolve_grp(socket, family, group);
    if (number < 0)
        return failure(fmt::format("can't listen to events of {}: {}", family, nl_geterror(number)),
                       EIO);
    return number;
}

} // namespace

std::optional<Module> parse_module(const nlmsghdr &message) {
    Attributes<QMI_WWAN_Q_A_DEV_MAX + 1> of{};
    auto *header = const_cast<nlmsghdr *>(&message); // libnl changes nothing
    if (genlmsg_parse(header, 0, of.data(), QMI_WWAN_Q_A_DEV_MAX, device_policy.data()) < 0)
        return std::nullopt;
    Module module;
    module.ifindex = number(of[QMI_WWAN_Q_A_DEV_IFINDEX]);
    module.netdev = text(of[QMI_WWAN_Q_A_DEV_IFNAME]);
    module.usb_path = text(of[QMI_WWAN_Q_A_DEV_USB_PATH]);
    module.vendor_id = number(of[QMI_WWAN_Q_A_DEV_VENDOR_ID]);
    module.product_id = number(of[QMI_WWAN_Q_A_DEV_PRODUCT_ID]);
    module.usb_speed = number(of[QMI_WWAN_Q_A_DEV_USB_SPEED]);
    module.interface = number(of[QMI_WWAN_Q_A_DEV_INTERFACE]);
    module.driver = QMI_WWAN_Q_FAMILY_NAME;
    if (of[QMI_WWAN_Q_A_DEV_MODE]) {
        module.q = Module::Qmap{};
        module.q->family = text(of[QMI_WWAN_Q_A_DEV_FAMILY]);
        module.q->ep_type = number(of[QMI_WWAN_Q_A_DEV_EP_TYPE]);
        module.q->mode = number(of[QMI_WWAN_Q_A_DEV_MODE]);
        module.q->link_state = number(of[QMI_WWAN_Q_A_DEV_LINK_STATE]);
        if (nlattr *format = of[QMI_WWAN_Q_A_DEV_FORMAT])
            module.q->format = parse_format(format);
        module.q->format.agreed = of[QMI_WWAN_Q_A_DEV_FORMAT_AGREED] != nullptr;
    }
    // One for each PDN, of which the table above has only the last.
    auto *genl = static_cast<genlmsghdr *>(nlmsg_data(header));
    nlattr *attribute;
    int rest;
    nla_for_each_attr(attribute, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), rest) {
        if (nla_type(attribute) != QMI_WWAN_Q_A_DEV_PDN)
            continue;
        if (std::optional<Pdn> pdn = parse_pdn(attribute))
            module.pdns.push_back(*std::move(pdn));
    }
    return module;
}

std::optional<Event> parse_event(const nlmsghdr &message) {
    std::optional<Module> module = parse_module(message);
    if (!module)
        return std::nullopt;
    const auto *header = static_cast<const genlmsghdr *>(nlmsg_data(&message));
    const std::optional<Event::Kind> kind = kind_of(header->cmd);
    if (!kind)
        return std::nullopt;
    return Event{*kind, *std::move(module)};
}

std::string parse_reason(const nlmsghdr &message) {
    if (!(message.nlmsg_flags & NLM_F_ACK_TLVS) ||
        nlmsg_datalen(&message) < static_cast<int>(sizeof(nlmsgerr)))
        return "";
    const auto *error = static_cast<const nlmsgerr *>(nlmsg_data(&message));
    size_t offset = sizeof(*error);
    // The request comes back in between, unless it was capped to its header.
    if (!(message.nlmsg_flags & NLM_F_CAPPED)) {
        if (error->msg.nlmsg_len < NLMSG_HDRLEN || error->msg.nlmsg_len > message.nlmsg_len)
            return "";
        offset += NLMSG_ALIGN(error->msg.nlmsg_len) - NLMSG_HDRLEN;
    }
    const size_t length = nlmsg_datalen(&message);
    if (offset >= length)
        return "";
    std::array<nlattr *, NLMSGERR_ATTR_MAX + 1> attributes{};
    std::array<nla_policy, NLMSGERR_ATTR_MAX + 1> policy{};
    policy[NLMSGERR_ATTR_MSG].type = NLA_STRING;
    auto *first = reinterpret_cast<nlattr *>(
        const_cast<char *>(static_cast<const char *>(nlmsg_data(&message)) + offset));
    if (nla_parse(attributes.data(), NLMSGERR_ATTR_MAX, first, int(length - offset),
                  policy.data()) < 0)
        return "";
    return text(attributes[NLMSGERR_ATTR_MSG]);
}

Result<std::vector<Module>> modules() {
    constexpr int most_attempts = 10;
    const Result<Session> session = Session::open();
    if (!session && session.error().code == ENOENT)
        return std::vector<Module>{};
    if (!session)
        return tl::unexpected(session.error());
    Answer answer;
    for (int attempt = 0; attempt == 0 || (answer.code == EAGAIN && attempt < most_attempts);
         attempt++)
        answer = session->request(QMI_WWAN_Q_CMD_DEV_GET, NLM_F_DUMP, [](nl_msg *) { return 0; });
    if (answer.code != 0)
        return failure("can't list the modules: " + reason_of(answer), answer.code);
    return std::move(answer.modules);
}

Status set_mode(const Module &module, uint32_t mode) {
    const std::string what = fmt::format("set qmap_mode of {} to {}", module.netdev, mode);
    return without_answer(change(module, QMI_WWAN_Q_CMD_MODE_SET, what, [&](nl_msg *message) {
        return nla_put_u32(message, QMI_WWAN_Q_A_DEV_MODE, mode);
    }));
}

Status set_format(const Module &module, const WdaFormat &agreed) {
    const std::pair<int, std::optional<uint32_t>> values[] = {
        {QMI_WWAN_Q_A_FORMAT_QMAP_VERSION, agreed.dl_aggregation},
        {QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE, agreed.dl_max_size},
        {QMI_WWAN_Q_A_FORMAT_UL_MAX_DATAGRAMS, agreed.ul_max_datagrams},
        {QMI_WWAN_Q_A_FORMAT_UL_MAX_SIZE, agreed.ul_max_size},
        {QMI_WWAN_Q_A_FORMAT_DL_PADDING, agreed.dl_minimum_padding},
    };
    const std::string what = fmt::format("tell the driver of {} the data format", module.netdev);
    return without_answer(change(module, QMI_WWAN_Q_CMD_FORMAT_SET, what, [&](nl_msg *message) {
        return put_nest(message, QMI_WWAN_Q_A_DEV_FORMAT, [&] {
            for (const auto &[attribute, value] : values)
                if (value)
                    if (const int error = nla_put_u32(message, attribute, *value); error < 0)
                        return error;
            return 0;
        });
    }));
}

Status set_link(const Module &module, uint32_t mux_id, bool up) {
    const std::string what = fmt::format("set the link of mux id {:#04x} of {} {}", mux_id,
                                         module.netdev, up ? "up" : "down");
    return without_answer(change(module, QMI_WWAN_Q_CMD_LINK_SET, what, [&](nl_msg *message) {
        return put_nest(message, QMI_WWAN_Q_A_DEV_PDN, [&] {
            const int error = nla_put_u32(message, QMI_WWAN_Q_A_PDN_MUX_ID, mux_id);
            return error < 0 ? error : nla_put_u32(message, QMI_WWAN_Q_A_PDN_LINK, up);
        });
    }));
}

Result<Pdn> add_mux(const Module &module, uint32_t mux_id) {
    const std::string what = fmt::format("add mux id {:#04x} to {}", mux_id, module.netdev);
    const auto changed = change(module, QMI_WWAN_Q_CMD_MUX_ADD, what,
                                [&](nl_msg *message) { return put_mux_id(message, mux_id); });
    if (!changed)
        return tl::unexpected(changed.error());
    for (const Module &now : *changed)
        for (const Pdn &pdn : now.pdns)
            if (pdn.mux_id == mux_id)
                return pdn;
    return failure(
        fmt::format("{} does not tell its new netdev: see 'qmapctl mux list'", module.netdev));
}

Status delete_mux(const Module &module, uint32_t mux_id) {
    const std::string what = fmt::format("remove mux id {:#04x} from {}", mux_id, module.netdev);
    return without_answer(change(module, QMI_WWAN_Q_CMD_MUX_DEL, what,
                                 [&](nl_msg *message) { return put_mux_id(message, mux_id); }));
}

Status monitor(const std::function<bool(const Event &)> &on_event) {
    constexpr int receive_buffer = 1 << 20; // for bursts; the kernel may give less
    const Result<Session> session = Session::open();
    if (!session)
        return tl::unexpected(session.error());
    nl_sock *socket = session->socket();
    nl_socket_set_buffer_size(socket, receive_buffer, 0);
    // The controller tells when the family goes; the family itself then tells nothing any more.
    const Result<int> events = group_of(socket, QMI_WWAN_Q_FAMILY_NAME, QMI_WWAN_Q_MCGRP_EVENTS);
    if (!events)
        return tl::unexpected(events.error());
    const Result<int> families = group_of(socket, "nlctrl", "notify");
    if (!families)
        return tl::unexpected(families.error());
    // From here on nothing is asked: an event would be taken for the answer.
    nl_socket_disable_seq_check(socket);
    if (const int error = nl_socket_add_memberships(socket, *events, *families, 0); error < 0)
        return failure(fmt::format("can't listen to events: {}", nl_geterror(error)), EIO);
    Monitor monitor{on_event};
    nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_monitored, &monitor);
    while (!monitor.ended) {
        const int error = nl_recvmsgs_default(socket);
        if (error == -NLE_NOMEM)
            monitor.ended = !on_event({Event::Kind::lost});
        else if (error < 0)
            return failure(fmt::format("can't listen to events: {}", nl_geterror(error)), EIO);
    }
    if (monitor.unloaded)
        return failure("qmi_wwan_q has been unloaded");
    return {};
}

} // namespace genl
