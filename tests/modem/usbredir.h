// SPDX-License-Identifier: GPL-2.0
// usbredir's device side on a stream socket, as QEMU's usb-redir device speaks it. It costs the
// guest nothing but its own xHCI driver: the transport for measuring.
#pragma once

#include "file_descriptor.h"
#include "usb_attachment.h"

#include <unordered_map>

struct usbredirparser;

namespace vmodem {

class UsbredirConnection : public UsbConnection {
  public:
    // A connected stream socket, to be used without blocking.
    UsbredirConnection(FileDescriptor socket, UsbDevice &device, UsbSpeed speed);

    int fd() const override { return socket_.get(); }
    bool receive() override;
    void complete(UrbResult result) override;
    bool flush() override;
    bool unsent() const override;

  private:
    // The library's callbacks.
    struct Callbacks;
    struct Destroy {
        void operator()(usbredirparser *parser) const;
    };
    // What the answer to a URB repeats of the request.
    struct Request {
        uint8_t endpoint;
        std::array<uint8_t, 8> setup; // of control requests
        uint32_t stream;
    };

    int read(uint8_t *into, int size);
    int write(const uint8_t *data, int size);
    void connect_device();
    void describe_interfaces();
    // A standard request of this side's own.
    UrbResult control(std::array<uint8_t, 8> setup);
    Bytes descriptor(uint8_t type);
    void submit(const Urb &urb, uint32_t stream);
    void answer(const Request &request, UrbResult &result);
    void cancel(uint64_t id);
    void poll_interrupt(uint8_t endpoint);
    void stop_interrupt(uint8_t endpoint);

    FileDescriptor socket_;
    UsbDevice &device_;
    UsbSpeed speed_;
    std::unique_ptr<usbredirparser, Destroy> parser_;
    std::unordered_map<uint64_t, Request> in_flight_; // by id, the host's requests
    std::optional<UrbResult> own_result_;             // of control()
    std::bitset<16> polled_;                          // interrupt IN endpoints that the host reads
    bool gone_ = false;                               // the socket's far end is closed
};

// Where QEMU (-chardev socket,path=...) finds the module; it takes one host at a time.
class UsbredirServer {
  public:
    // Creates the socket; throws std::system_error.
    explicit UsbredirServer(std::string path);
    ~UsbredirServer();
    UsbredirServer(const UsbredirServer &) = delete;
    UsbredirServer &operator=(const UsbredirServer &) = delete;

    // Until a host has connected or the time is up; false: nobody came.
    bool wait(std::chrono::milliseconds timeout) const;
    // Takes the host that has connected. The server must live as long as the function.
    UsbAttach attach();

  private:
    std::string path_;
    FileDescriptor listener_;
};

} // namespace vmodem
