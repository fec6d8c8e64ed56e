// SPDX-License-Identifier: GPL-2.0
// USB/IP's device side on a stream socket, as vhci_hcd speaks it: requests in, the device's
// completions out, many of each in one system call.
#pragma once

#include "file_descriptor.h"
#include "usb_attachment.h"
#include "usbip_header.h"

#include <deque>
#include <map>

namespace vmodem {

class UsbipConnection : public UsbConnection {
  public:
    // A connected stream socket, to be used without blocking.
    UsbipConnection(FileDescriptor socket, UsbDevice &device);

    int fd() const override { return socket_.get(); }
    bool receive() override;
    void complete(UrbResult result) override;
    bool flush() override;
    bool unsent() const override { return !out_.empty(); }

  private:
    struct Message {
        UsbipHeader header;
        Bytes data;
    };

    bool take_messages();
    void submit(const UsbipSubmit &submit, ByteView data);
    void unlink(const UsbipUnlink &unlink);
    void sent(size_t bytes);

    FileDescriptor socket_;
    UsbDevice &device_;
    uint32_t last_submitted_ = 0;                // sequence number
    std::map<uint32_t, uint32_t> early_unlinks_; // of URBs to come: victim, own number
    Bytes in_;                                   // buffer
    size_t in_used_ = 0;                         // bytes in it
    std::deque<Message> out_;
    size_t out_offset_ = 0; // of the first message, already sent
};

} // namespace vmodem
