// SPDX-License-Identifier: GPL-2.0
#include "modem_libqmi.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <libqmi-glib.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Release {
    void operator()(gpointer object) const { g_object_unref(object); }
    void operator()(GError *error) const { g_error_free(error); }
    void operator()(QmiMessage *message) const { qmi_message_unref(message); }
};
template <typename T> using Owned = std::unique_ptr<T, Release>;

// What a GLib function leaves behind when it fails.
class ErrorSlot {
  public:
    ErrorSlot() = default;
    ~ErrorSlot() { g_clear_error(&error_); }
    ErrorSlot(const ErrorSlot &) = delete;
    ErrorSlot &operator=(const ErrorSlot &) = delete;

    operator GError **() { return &error_; }
    const GError *get() const { return error_; }
    bool is(GQuark domain, int code) const { return g_error_matches(error_, domain, code); }
    bool is_refusal() const { return error_ && error_->domain == QMI_PROTOCOL_ERROR; }

  private:
    GError *error_ = nullptr;
};

struct Deadline {
    std::chrono::seconds given;
    Clock::time_point end = Clock::now() + given;

    bool passed() const { return Clock::now() >= end; }
    // For libqmi's own clock, which must not be the first to ring.
    guint seconds() const { return guint(given.count()) + 1; }
};

using Slot = std::shared_ptr<Owned<GAsyncResult>>;

// Who waits may be gone by now: the slot is shared with it.
void on_ready(GObject *, GAsyncResult *result, gpointer data) noexcept {
    const std::unique_ptr<Slot> slot(static_cast<Slot *>(data));
    (*slot)->reset(static_cast<GAsyncResult *>(g_object_ref(result)));
}

gboolean on_deadline(gpointer) noexcept {
    return G_SOURCE_CONTINUE; // all it does is to end a g_main_context_iteration()
}

// Runs an operation of GIO's to its end: what it has come to; null if it has not in time.
// `start` is called with what each such operation takes: cancellable, callback, data.
template <typename Start>
Owned<GAsyncResult> complete(const Deadline &deadline, const Start &start) {
    const Owned<GCancellable> cancellable(g_cancellable_new());
    const Slot slot = std::make_shared<Owned<GAsyncResult>>();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.end - Clock::now());
    const guint timer = g_timeout_add(guint(std::max(left, 0ms).count()), on_deadline, nullptr);

    start(cancellable.get(), on_ready, new Slot(slot));
    while (!*slot && !deadline.passed())
        g_main_context_iteration(nullptr, TRUE);
    g_source_remove(timer);
    if (!*slot) {
        // What is cancelled here comes to its end at once, without the module.
        g_cancellable_cancel(cancellable.get());
        while (g_main_context_iteration(nullptr, FALSE))
            ;
        return nullptr;
    }
    return std::move(*slot);
}

constexpr guint16 set_data_format_id = 0x20, get_data_format_id = 0x21;
constexpr guint8 result_tlv = 0x02;
constexpr guint8 qos_header_tlv = 0x10, link_protocol_tlv = 0x11;
constexpr guint8 flow_control_asked_tlv = 0x1a, flow_control_tlv = 0x1b;
constexpr guint8 get_endpoint_tlv = 0x10, set_endpoint_tlv = 0x17;

// The numbers of a data format: under which TLV they are asked for and answered.
struct Number {
    std::optional<uint32_t> WdaFormat::*value;
    guint8 asked, answered;
};
constexpr std::array<Number, 8> numbers{{
    {&WdaFormat::ul_aggregation, 0x12, 0x12},
    {&WdaFormat::dl_aggregation, 0x13, 0x13},
    {&WdaFormat::ndp_signature, 0x14, 0x14},
    {&WdaFormat::dl_max_datagrams, 0x15, 0x15},
    {&WdaFormat::dl_max_size, 0x16, 0x16},
    {&WdaFormat::dl_minimum_padding, 0x19, 0x1a},
    {&WdaFormat::ul_max_datagrams, 0x1b, 0x17},
    {&WdaFormat::ul_max_size, 0x1c, 0x18},
}};

// A request as libqmi's messages are. Its own input type for Set Data Format lacks two of the TLVs
// (19 and 1A, in version 1.32).
class Request {
  public:
    Request(QmiClient *client, guint16 id)
        : message_(qmi_message_new(QMI_SERVICE_WDA, qmi_client_get_cid(client),
                                   qmi_client_get_next_transaction_id(client), id)) {}

    void put_u8(guint8 type, guint8 value) {
        const gsize at = qmi_message_tlv_write_init(get(), type, nullptr);
        qmi_message_tlv_write_guint8(get(), value, nullptr);
        qmi_message_tlv_write_complete(get(), at, nullptr);
    }
    void put_u32(guint8 type, std::initializer_list<guint32> values) {
        const gsize at = qmi_message_tlv_write_init(get(), type, nullptr);
        for (const guint32 value : values)
            qmi_message_tlv_write_guint32(get(), QMI_ENDIAN_LITTLE, value, nullptr);
        qmi_message_tlv_write_complete(get(), at, nullptr);
    }
    QmiMessage *get() const { return message_.get(); }

  private:
    Owned<QmiMessage> message_;
};

// nullopt if the module has left it out, or it is too short.
std::optional<uint32_t> find_u32(QmiMessage *message, guint8 type) {
    gsize offset = 0;
    guint32 value;
    const gsize at = qmi_message_tlv_read_init(message, type, nullptr, nullptr);
    if (at == 0 ||
        !qmi_message_tlv_read_guint32(message, at, &offset, QMI_ENDIAN_LITTLE, &value, nullptr))
        return std::nullopt;
    return value;
}

std::optional<bool> find_flag(QmiMessage *message, guint8 type) {
    gsize offset = 0;
    guint8 value;
    const gsize at = qmi_message_tlv_read_init(message, type, nullptr, nullptr);
    if (at == 0 || !qmi_message_tlv_read_guint8(message, at, &offset, &value, nullptr))
        return std::nullopt;
    return value != 0;
}

// The error of the result TLV; nullopt if there is no such TLV.
std::optional<QmiProtocolError> result_of(QmiMessage *message) {
    gsize offset = 0;
    guint16 status, error;
    const gsize at = qmi_message_tlv_read_init(message, result_tlv, nullptr, nullptr);
    if (at == 0 ||
        !qmi_message_tlv_read_guint16(message, at, &offset, QMI_ENDIAN_LITTLE, &status, nullptr) ||
        !qmi_message_tlv_read_guint16(message, at, &offset, QMI_ENDIAN_LITTLE, &error, nullptr))
        return std::nullopt;
    return status == 0 ? QMI_PROTOCOL_ERROR_NONE : QmiProtocolError(error);
}

WdaFormat read_format(const Owned<QmiMessage> &message) {
    QmiMessage *const answer = message.get();
    WdaFormat format;
    format.qos_header = find_flag(answer, qos_header_tlv);
    if (const auto protocol = find_u32(answer, link_protocol_tlv))
        format.link_protocol = LinkProtocol(*protocol);
    format.flow_control = find_flag(answer, flow_control_tlv);
    for (const Number &number : numbers)
        format.*number.value = find_u32(answer, number.answered);
    return format;
}

void put_format(Request &request, const WdaFormat &wanted) {
    if (wanted.qos_header)
        request.put_u8(qos_header_tlv, *wanted.qos_header);
    if (wanted.link_protocol)
        request.put_u32(link_protocol_tlv, {guint32(*wanted.link_protocol)});
    if (wanted.flow_control)
        request.put_u8(flow_control_asked_tlv, *wanted.flow_control);
    for (const Number &number : numbers)
        if (const auto value = wanted.*number.value)
            request.put_u32(number.asked, {*value});
}

std::string name_of(QmiProtocolError error) {
    const char *name = qmi_protocol_error_get_string(error);
    return name ? fmt::format("{} ({})", name, int(error))
                : fmt::format("QMI error {}", int(error));
}

} // namespace

// A WDA client of one module, from its allocation to its release.
class LibqmiModem::Session {
  public:
    explicit Session(std::string control) : control_(std::move(control)) {}
    ~Session() { close(); }
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    const std::string &control() const { return control_; }
    // From now on what follows may take that long, all in all.
    void start_clock(std::chrono::seconds timeout) { deadline_ = Deadline{timeout}; }

    Status open(const std::function<void(const std::string &)> &note);
    Request request(guint16 id) const { return Request(client_.get(), id); }
    // The answer of a module that does not refuse. `what` names the request in messages.
    Result<Owned<QmiMessage>> ask(const Request &request, const std::string &what);

  private:
    Status open_device(QmiDeviceOpenFlags flags, const std::string &what);
    Status wake();
    Status allocate();
    void close();

    // Why `what` has not been done.
    tl::unexpected<Error> timed_out(const std::string &what) const;
    tl::unexpected<Error> failed(const std::string &what, const ErrorSlot &error) const;
    tl::unexpected<Error> refused(const std::string &what, QmiProtocolError error) const;

    std::string control_;
    Deadline deadline_{0s};
    Owned<QmiDevice> device_;
    Owned<QmiClient> client_;
};

tl::unexpected<Error> LibqmiModem::Session::timed_out(const std::string &what) const {
    return failure(fmt::format("{}: no answer to {} within {} s: the module is still starting "
                               "(--timeout gives it longer), or another program takes its answers "
                               "('fuser {}' shows which have it open)",
                               control_, what, deadline_.given.count(), control_),
                   ETIMEDOUT);
}

tl::unexpected<Error> LibqmiModem::Session::failed(const std::string &what,
                                                   const ErrorSlot &error) const {
    if (error.is_refusal())
        return refused(what, QmiProtocolError(error.get()->code));
    if (access(control_.c_str(), F_OK) != 0)
        return failure(fmt::format("{}: the module went away during {}: it was unplugged or has "
                                   "reset; try again once it is back",
                                   control_, what),
                       ENODEV);
    return failure(fmt::format("{}: {} failed: {}", control_, what, error.get()->message), EIO);
}

tl::unexpected<Error> LibqmiModem::Session::refused(const std::string &what,
                                                    QmiProtocolError error) const {
    return failure(fmt::format("{}: the module refuses {}: {}", control_, what, name_of(error)));
}

Status LibqmiModem::Session::open(const std::function<void(const std::string &)> &note) {
    if (access(control_.c_str(), R_OK | W_OK) != 0) {
        const int error = errno;
        return failure(fmt::format("{}: {}: {}", control_, std::strerror(error),
                                   error == EACCES ? "only root may talk to modules"
                                                   : "is the module still there?"),
                       error);
    }
    Status opened = open_device(QMI_DEVICE_OPEN_FLAGS_PROXY, "opening by qmi-proxy");
    if (!opened && opened.error().code == EIO) {
        note(fmt::format("{}; going on without: no other program may use {} meanwhile (Debian has "
                         "the proxy in libqmi-proxy)",
                         opened.error().message, control_));
        opened = open_device(QMI_DEVICE_OPEN_FLAGS_NONE, "opening");
    }
    return opened.and_then([&] { return wake(); }).and_then([&] { return allocate(); });
}

Status LibqmiModem::Session::open_device(QmiDeviceOpenFlags flags, const std::string &what) {
    const Owned<GFile> file(g_file_new_for_path(control_.c_str()));
    ErrorSlot error;
    auto done = complete(deadline_, [&](auto... how) { qmi_device_new(file.get(), how...); });
    if (!done)
        return timed_out(what);
    device_.reset(qmi_device_new_finish(done.get(), error));
    if (!device_)
        return failed(what, error);

    done = complete(deadline_, [&](auto... how) {
        qmi_device_open(device_.get(), flags, deadline_.seconds(), how...);
    });
    if (!done)
        return timed_out(what);
    if (!qmi_device_open_finish(device_.get(), done.get(), error))
        return failed(what, error);
    return {};
}

// Asks something that leaves nothing behind in the module. Of an allocation that is answered too
// late the client would be lost, and modules have few.
Status LibqmiModem::Session::wake() {
    const char *what = "the first request (CTL Get Version Info)";
    const auto done = complete(deadline_, [&](auto... how) {
        qmi_device_get_service_version_info(device_.get(), deadline_.seconds(), how...);
    });
    if (!done)
        return timed_out(what);
    ErrorSlot error;
    GArray *services = qmi_device_get_service_version_info_finish(device_.get(), done.get(), error);
    if (services)
        g_array_unref(services);
    else if (!error.is_refusal()) // which is an answer as well
        return failed(what, error);
    return {};
}

Status LibqmiModem::Session::allocate() {
    const char *what = "CTL Allocate Client";
    const auto done = complete(deadline_, [&](auto... how) {
        qmi_device_allocate_client(device_.get(), QMI_SERVICE_WDA, QMI_CID_NONE,
                                   deadline_.seconds(), how...);
    });
    if (!done)
        return timed_out(what);
    ErrorSlot error;
    client_.reset(qmi_device_allocate_client_finish(device_.get(), done.get(), error));
    if (client_)
        return {};
    if (error.is(QMI_PROTOCOL_ERROR, QMI_PROTOCOL_ERROR_INVALID_SERVICE_TYPE))
        return failure(fmt::format("{}: the module has no WDA service: its data format can be "
                                   "neither seen nor set",
                                   control_),
                       EOPNOTSUPP);
    if (error.is(QMI_PROTOCOL_ERROR, QMI_PROTOCOL_ERROR_CLIENT_IDS_EXHAUSTED))
        return failure(fmt::format("{}: the module has no QMI client left ({}): programs have "
                                   "taken all and not given them back; reset the module",
                                   control_, name_of(QMI_PROTOCOL_ERROR_CLIENT_IDS_EXHAUSTED)));
    return failed(what, error);
}

Result<Owned<QmiMessage>> LibqmiModem::Session::ask(const Request &request,
                                                    const std::string &what) {
    const auto done = complete(deadline_, [&](auto... how) {
        qmi_device_command_full(device_.get(), request.get(), nullptr, deadline_.seconds(), how...);
    });
    if (!done)
        return timed_out(what);
    ErrorSlot error;
    Owned<QmiMessage> answer(qmi_device_command_full_finish(device_.get(), done.get(), error));
    if (!answer)
        return failed(what, error);
    const auto result = result_of(answer.get());
    if (!result)
        return failure(fmt::format("{}: the module's answer to {} has no result", control_, what));
    if (*result != QMI_PROTOCOL_ERROR_NONE)
        return refused(what, *result);
    return answer;
}

void LibqmiModem::Session::close() {
    // Sent in any case, but a module that is silent is not waited for much longer.
    start_clock(1s);
    if (client_)
        complete(deadline_, [&](auto... how) {
            qmi_device_release_client(device_.get(), client_.get(),
                                      QMI_DEVICE_RELEASE_CLIENT_FLAGS_RELEASE_CID,
                                      deadline_.seconds(), how...);
        });
    if (device_)
        complete(deadline_, [&](auto... how) {
            qmi_device_close_async(device_.get(), deadline_.seconds(), how...);
        });
}

LibqmiModem::LibqmiModem(std::function<void(const std::string &)> note) : note_(std::move(note)) {
    // What goes wrong is told by the errors that are returned.
    g_log_set_handler(
        "Qmi", G_LOG_LEVEL_WARNING, [](auto...) {}, nullptr);
}

LibqmiModem::~LibqmiModem() = default;

Result<LibqmiModem::Session *> LibqmiModem::session(const std::string &control) {
    if (session_ && session_->control() == control) {
        session_->start_clock(timeout_);
        return session_.get();
    }
    auto opened = std::make_unique<Session>(control);
    opened->start_clock(timeout_);
    if (const Status done = opened->open(note_); !done)
        return tl::unexpected(done.error());
    session_ = std::move(opened);
    return session_.get();
}

Result<WdaFormat> LibqmiModem::data_format(const Endpoint &endpoint) {
    return session(endpoint.control).and_then([&](Session *session) {
        Request request = session->request(get_data_format_id);
        request.put_u32(get_endpoint_tlv, {endpoint.type, endpoint.interface});
        return session->ask(request, "WDA Get Data Format").map(read_format);
    });
}

Result<WdaFormat> LibqmiModem::set_data_format(const Endpoint &endpoint, const WdaFormat &wanted) {
    return session(endpoint.control).and_then([&](Session *session) {
        Request request = session->request(set_data_format_id);
        put_format(request, wanted);
        request.put_u32(set_endpoint_tlv, {endpoint.type, endpoint.interface});
        return session->ask(request, "WDA Set Data Format").map(read_format);
    });
}
