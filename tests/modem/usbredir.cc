// SPDX-License-Identifier: GPL-2.0
#include "usbredir.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <usbredirparser.h>

namespace vmodem {

namespace {

// Ids of this side's own URBs; QEMU's are guest addresses of TRBs.
constexpr uint64_t own_id = uint64_t(1) << 63;
constexpr uint64_t control_id = own_id;
constexpr uint64_t interrupt_id = own_id + 1; // plus the endpoint's number
constexpr uint32_t interrupt_size = 64;

constexpr uint8_t in_direction = 0x80;
constexpr uint8_t get_descriptor = 6, get_configuration = 8, set_configuration = 9,
                  get_interface = 10, set_interface = 11;
constexpr uint8_t dt_device = 1, dt_configuration = 2, dt_interface = 4, dt_endpoint = 5;

constexpr auto host_timeout = std::chrono::seconds(60);

uint8_t low(unsigned value) {
    return value & 0xff;
}

uint8_t high(unsigned value) {
    return value >> 8 & 0xff;
}

uint16_t u16(ByteView bytes, size_t at) {
    return bytes[at] | bytes[at + 1] << 8;
}

uint8_t status_of(int error) {
    switch (error) {
    case 0:
        return usb_redir_success;
    case -EPIPE:
        return usb_redir_stall;
    case -EOVERFLOW:
        return usb_redir_babble;
    case -ECONNRESET:
        return usb_redir_cancelled;
    default:
        return usb_redir_ioerror;
    }
}

// As the protocol counts them: IN endpoints follow the OUT ones.
unsigned index_of(uint8_t endpoint) {
    return (endpoint & in_direction ? 16 : 0) | (endpoint & 0x0f);
}

[[noreturn]] void fail(const std::string &what) {
    throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

struct UsbredirConnection::Callbacks {
    static UsbredirConnection &of(void *self) { return *static_cast<UsbredirConnection *>(self); }

    static void log(void *, int, const char *) {} // what is wrong shows in the results
    static int read(void *self, uint8_t *data, int size) { return of(self).read(data, size); }
    static int write(void *self, uint8_t *data, int size) { return of(self).write(data, size); }

    static void hello(void *self, usb_redir_hello_header *) { of(self).connect_device(); }
    static void reset(void *self) { of(self).control({0x00, set_configuration, 0, 0, 0, 0, 0, 0}); }

    static void set_config(void *self, uint64_t id, usb_redir_set_configuration_header *header) {
        UsbredirConnection &c = of(self);
        auto result = c.control({0x00, set_configuration, header->configuration, 0, 0, 0, 0, 0});
        c.describe_interfaces();
        usb_redir_configuration_status_header status{status_of(result.status),
                                                     header->configuration};
        usbredirparser_send_configuration_status(c.parser_.get(), id, &status);
    }
    static void get_config(void *self, uint64_t id) {
        UsbredirConnection &c = of(self);
        auto result = c.control({0x80, get_configuration, 0, 0, 0, 0, 1, 0});
        usb_redir_configuration_status_header status{
            status_of(result.status), result.data.empty() ? uint8_t(0) : result.data[0]};
        usbredirparser_send_configuration_status(c.parser_.get(), id, &status);
    }
    static void set_alt(void *self, uint64_t id, usb_redir_set_alt_setting_header *header) {
        UsbredirConnection &c = of(self);
        auto result = c.control({0x01, set_interface, header->alt, 0, header->interface, 0, 0, 0});
        usb_redir_alt_setting_status_header status{status_of(result.status), header->interface,
                                                   header->alt};
        usbredirparser_send_alt_setting_status(c.parser_.get(), id, &status);
    }
    static void get_alt(void *self, uint64_t id, usb_redir_get_alt_setting_header *header) {
        UsbredirConnection &c = of(self);
        auto result = c.control({0x81, get_interface, 0, 0, header->interface, 0, 1, 0});
        usb_redir_alt_setting_status_header status{status_of(result.status), header->interface,
                                                   result.data.empty() ? uint8_t(0)
                                                                       : result.data[0]};
        usbredirparser_send_alt_setting_status(c.parser_.get(), id, &status);
    }

    static void start_interrupt(void *self, uint64_t id,
                                usb_redir_start_interrupt_receiving_header *header) {
        UsbredirConnection &c = of(self);
        usb_redir_interrupt_receiving_status_header status{usb_redir_success, header->endpoint};
        usbredirparser_send_interrupt_receiving_status(c.parser_.get(), id, &status);
        c.stop_interrupt(header->endpoint);
        c.poll_interrupt(header->endpoint);
    }
    static void stop_interrupt(void *self, uint64_t id,
                               usb_redir_stop_interrupt_receiving_header *header) {
        UsbredirConnection &c = of(self);
        c.stop_interrupt(header->endpoint);
        usb_redir_interrupt_receiving_status_header status{usb_redir_success, header->endpoint};
        usbredirparser_send_interrupt_receiving_status(c.parser_.get(), id, &status);
    }

    static void control_packet(void *self, uint64_t id, usb_redir_control_packet_header *header,
                               uint8_t *data, int size) {
        Urb urb;
        urb.id = id;
        urb.endpoint = header->endpoint;
        urb.setup = {header->requesttype, header->request,     low(header->value),
                     high(header->value), low(header->index),  high(header->index),
                     low(header->length), high(header->length)};
        urb.length = header->length;
        urb.data = ByteView(data, size_t(size));
        of(self).submit(urb, 0);
        usbredirparser_free_packet_data(of(self).parser_.get(), data);
    }
    static void bulk_packet(void *self, uint64_t id, usb_redir_bulk_packet_header *header,
                            uint8_t *data, int size) {
        Urb urb;
        urb.id = id;
        urb.endpoint = header->endpoint;
        urb.length = uint32_t(header->length_high) << 16 | header->length;
        urb.data = ByteView(data, size_t(size));
        of(self).submit(urb, header->stream_id);
        usbredirparser_free_packet_data(of(self).parser_.get(), data);
    }
    static void cancel(void *self, uint64_t id) { of(self).cancel(id); }
};

void UsbredirConnection::Destroy::operator()(usbredirparser *parser) const {
    usbredirparser_destroy(parser);
}

UsbredirConnection::UsbredirConnection(FileDescriptor socket, UsbDevice &device, UsbSpeed speed)
    : socket_(std::move(socket)), device_(device), speed_(speed), parser_(usbredirparser_create()) {
    if (!parser_)
        throw std::bad_alloc();
    parser_->priv = this;
    parser_->log_func = Callbacks::log;
    parser_->read_func = Callbacks::read;
    parser_->write_func = Callbacks::write;
    parser_->hello_func = Callbacks::hello;
    parser_->reset_func = Callbacks::reset;
    parser_->set_configuration_func = Callbacks::set_config;
    parser_->get_configuration_func = Callbacks::get_config;
    parser_->set_alt_setting_func = Callbacks::set_alt;
    parser_->get_alt_setting_func = Callbacks::get_alt;
    parser_->start_interrupt_receiving_func = Callbacks::start_interrupt;
    parser_->stop_interrupt_receiving_func = Callbacks::stop_interrupt;
    parser_->cancel_data_packet_func = Callbacks::cancel;
    parser_->control_packet_func = Callbacks::control_packet;
    parser_->bulk_packet_func = Callbacks::bulk_packet;

    // Without these QEMU does not let the device near an xHCI controller.
    uint32_t capabilities[USB_REDIR_CAPS_SIZE]{};
    for (int capability :
         {usb_redir_cap_connect_device_version, usb_redir_cap_ep_info_max_packet_size,
          usb_redir_cap_64bits_ids, usb_redir_cap_32bits_bulk_length})
        usbredirparser_caps_set_cap(capabilities, capability);
    usbredirparser_init(parser_.get(), "vmodem", capabilities, USB_REDIR_CAPS_SIZE,
                        usbredirparser_fl_usb_host);
}

// 0 to the library: would block. It reads on until then.
int UsbredirConnection::read(uint8_t *into, int size) {
    ssize_t got;
    do
        got = ::recv(socket_.get(), into, size_t(size), MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return 0;
    gone_ |= got <= 0;
    return got > 0 ? int(got) : -1;
}

int UsbredirConnection::write(const uint8_t *data, int size) {
    ssize_t done;
    do
        done = ::send(socket_.get(), data, size_t(size), MSG_DONTWAIT | MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    if (done < 0 && errno == EAGAIN)
        return 0;
    return int(done);
}

bool UsbredirConnection::receive() {
    return usbredirparser_do_read(parser_.get()) == 0 && !gone_;
}

bool UsbredirConnection::flush() {
    return !unsent() || usbredirparser_do_write(parser_.get()) == 0;
}

bool UsbredirConnection::unsent() const {
    return usbredirparser_has_data_to_write(parser_.get()) > 0;
}

// ---- what the device is

UrbResult UsbredirConnection::control(std::array<uint8_t, 8> setup) {
    Urb urb;
    urb.id = control_id;
    urb.endpoint = setup[0] & in_direction;
    urb.setup = setup;
    urb.length = u16(setup, 6);
    device_.submit(urb); // a control request is answered before this returns
    return std::exchange(own_result_, std::nullopt).value_or(UrbResult{control_id, -EIO, 0, {}});
}

Bytes UsbredirConnection::descriptor(uint8_t type) {
    return control({0x80, get_descriptor, 0, type, 0, 0, 0xff, 0xff}).data;
}

void UsbredirConnection::connect_device() {
    Bytes device = descriptor(dt_device);
    usb_redir_device_connect_header header{};
    header.speed = speed_ == UsbSpeed::super ? usb_redir_speed_super : usb_redir_speed_high;
    if (device.size() >= 18) {
        header.device_class = device[4];
        header.device_subclass = device[5];
        header.device_protocol = device[6];
        header.vendor_id = u16(device, 8);
        header.product_id = u16(device, 10);
        header.device_version_bcd = u16(device, 12);
    }
    describe_interfaces();
    usbredirparser_send_device_connect(parser_.get(), &header);
}

// In alternate setting 0, or the only one with endpoints.
void UsbredirConnection::describe_interfaces() {
    usb_redir_interface_info_header interfaces{};
    usb_redir_ep_info_header endpoints{};
    std::ranges::fill(endpoints.type, usb_redir_type_invalid);
    endpoints.type[index_of(0x00)] = endpoints.type[index_of(0x80)] = usb_redir_type_control;

    Bytes configuration = descriptor(dt_configuration);
    uint8_t interface = 0;
    for (ByteView rest = configuration; rest.size() >= 2 && rest[0] >= 2 && rest[0] <= rest.size();
         rest = rest.subspan(rest[0])) {
        if (rest[1] == dt_interface && rest[0] >= 9) {
            interface = rest[2];
            uint32_t n = interfaces.interface_count;
            if (rest[3] != 0 || n == std::size(interfaces.interface))
                continue;
            interfaces.interface[n] = interface;
            interfaces.interface_class[n] = rest[5];
            interfaces.interface_subclass[n] = rest[6];
            interfaces.interface_protocol[n] = rest[7];
            interfaces.interface_count++;
        } else if (rest[1] == dt_endpoint && rest[0] >= 7) {
            unsigned index = index_of(rest[2]);
            endpoints.type[index] = rest[3] & 3;
            endpoints.interval[index] = rest[6];
            endpoints.interface[index] = interface;
            endpoints.max_packet_size[index] = u16(rest, 4);
        }
    }
    usbredirparser_send_interface_info(parser_.get(), &interfaces);
    usbredirparser_send_ep_info(parser_.get(), &endpoints);
}

// ---- URBs

void UsbredirConnection::submit(const Urb &urb, uint32_t stream) {
    if (urb.id >= own_id)
        return;
    in_flight_[urb.id] = {urb.endpoint, urb.setup, stream};
    device_.submit(urb);
}

void UsbredirConnection::complete(UrbResult result) {
    if (result.id == control_id) {
        own_result_ = std::move(result);
        return;
    }
    if (result.id >= interrupt_id) {
        auto endpoint = uint8_t(in_direction | (result.id - interrupt_id));
        usb_redir_interrupt_packet_header header{endpoint, status_of(result.status),
                                                 uint16_t(result.data.size())};
        usbredirparser_send_interrupt_packet(parser_.get(), 0, &header, result.data.data(),
                                             int(result.data.size()));
        if (result.status == 0)
            poll_interrupt(endpoint);
        return;
    }
    if (auto request = in_flight_.extract(result.id))
        answer(request.mapped(), result);
}

void UsbredirConnection::answer(const Request &request, UrbResult &result) {
    uint8_t status = status_of(result.status);
    uint8_t *data = result.data.data();
    int size = int(result.data.size());
    if ((request.endpoint & 0x0f) == 0) {
        const auto &setup = request.setup;
        usb_redir_control_packet_header header{
            request.endpoint,       setup[1], setup[0], status, u16(setup, 2), u16(setup, 4),
            uint16_t(result.actual)};
        usbredirparser_send_control_packet(parser_.get(), result.id, &header, data, size);
    } else {
        usb_redir_bulk_packet_header header{request.endpoint, status, uint16_t(result.actual),
                                            request.stream, uint16_t(result.actual >> 16)};
        usbredirparser_send_bulk_packet(parser_.get(), result.id, &header, data, size);
    }
}

// A URB that has been answered is on its way to the host, which then takes that for the reply.
void UsbredirConnection::cancel(uint64_t id) {
    if (device_.cancel(id))
        complete({id, -ECONNRESET, 0, {}});
}

void UsbredirConnection::poll_interrupt(uint8_t endpoint) {
    unsigned number = endpoint & 0x0f;
    polled_.set(number);
    Urb urb;
    urb.id = interrupt_id + number;
    urb.endpoint = endpoint;
    urb.length = interrupt_size;
    device_.submit(urb);
}

void UsbredirConnection::stop_interrupt(uint8_t endpoint) {
    unsigned number = endpoint & 0x0f;
    if (polled_.test(number))
        device_.cancel(interrupt_id + number);
    polled_.reset(number);
}

// ---- the way in

namespace {

// QEMU's end.
class QemuPort : public UsbPort {
  public:
    explicit QemuPort(const std::string &path) : path_(path) {}
    std::string name() const override { return path_; }
    std::string device() const override { return {}; }
    bool vacated() const override { return true; }

  private:
    std::string path_;
};

} // namespace

UsbredirServer::UsbredirServer(std::string path) : path_(std::move(path)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        fail(path_);
    }
    std::ranges::copy(path_, address.sun_path);
    listener_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listener_ ||
        ::bind(listener_.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)) < 0 ||
        ::listen(listener_.get(), 1) < 0)
        fail(path_);
}

UsbredirServer::~UsbredirServer() {
    ::unlink(path_.c_str());
}

bool UsbredirServer::wait(std::chrono::milliseconds timeout) const {
    pollfd fd{listener_.get(), POLLIN, 0};
    return ::poll(&fd, 1, int(timeout.count())) > 0;
}

UsbAttach UsbredirServer::attach() {
    return [this](UsbDevice &device, UsbSpeed speed) -> UsbAttachment {
        if (!wait(host_timeout))
            throw std::runtime_error("no host has connected to " + path_);
        FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket)
            fail(path_);
        return {std::make_unique<UsbredirConnection>(std::move(socket), device, speed),
                std::make_shared<QemuPort>(path_)};
    };
}

} // namespace vmodem
