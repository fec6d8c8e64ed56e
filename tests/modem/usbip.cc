// SPDX-License-Identifier: GPL-2.0
#include "usbip.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

namespace vmodem {

namespace {

constexpr size_t read_chunk = 256 << 10;

} // namespace

UsbipConnection::UsbipConnection(FileDescriptor socket, UsbDevice &device)
    : socket_(std::move(socket)), device_(device), in_(read_chunk) {}

bool UsbipConnection::receive() {
    for (;;) {
        size_t room = in_.size() - in_used_;
        ssize_t got = ::recv(socket_.get(), in_.data() + in_used_, room, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return true;
        if (got <= 0)
            return false;
        in_used_ += got;
        if (!take_messages())
            return false;
        if (size_t(got) < room) // nothing more for now; poll tells otherwise
            return true;
    }
}

bool UsbipConnection::take_messages() {
    size_t at = 0, wanted = 0;
    while (in_used_ - at >= usbip_header_size) {
        ByteView rest = ByteView(in_).subspan(at, in_used_ - at);
        auto command = parse_usbip_command(rest.first<usbip_header_size>());
        if (!command)
            return false;
        size_t size = usbip_header_size;
        if (command->submit && !command->submit->in)
            size += command->submit->length;
        if (rest.size() < size) {
            wanted = size;
            break;
        }
        if (command->submit)
            submit(*command->submit, rest.subspan(usbip_header_size, size - usbip_header_size));
        else
            unlink(*command->unlink);
        at += size;
    }
    in_used_ -= at;
    if (at && in_used_)
        std::memmove(in_.data(), in_.data() + at, in_used_);
    if (wanted > in_.size())
        in_.resize(wanted);
    return true;
}

void UsbipConnection::submit(const UsbipSubmit &s, ByteView data) {
    last_submitted_ = s.sequence;
    if (auto unlink = early_unlinks_.extract(s.sequence)) {
        out_.push_back({usbip_ret_unlink(unlink.mapped(), -ECONNRESET), {}});
        return;
    }
    Urb urb;
    urb.id = s.sequence;
    urb.endpoint = s.endpoint | (s.in ? 0x80 : 0);
    urb.setup = s.setup;
    urb.length = s.length;
    urb.zero_packet = s.flags & UsbipSubmit::flag_zero_packet;
    urb.data = data;
    device_.submit(urb);
}

void UsbipConnection::unlink(const UsbipUnlink &u) {
    // vhci can send the unlink of a URB ahead of the URB. It finds the URB only once that is sent.
    if (int32_t(u.victim - last_submitted_) > 0) {
        early_unlinks_[u.victim] = u.sequence;
        return;
    }
    // A URB that has been answered is on its way to the host, ahead of this reply.
    int status = device_.cancel(u.victim) ? -ECONNRESET : 0;
    out_.push_back({usbip_ret_unlink(u.sequence, status), {}});
}

void UsbipConnection::complete(UrbResult result) {
    out_.push_back(
        {usbip_ret_submit(result.id, result.status, result.actual), std::move(result.data)});
}

bool UsbipConnection::flush() {
    while (!out_.empty()) {
        std::array<iovec, 128> parts;
        size_t count = 0, skip = out_offset_;
        auto add = [&](uint8_t *data, size_t size) {
            size_t skipped = std::min(skip, size);
            skip -= skipped;
            if (size > skipped)
                parts[count++] = {data + skipped, size - skipped};
        };
        for (auto m = out_.begin(); m != out_.end() && count + 2 <= parts.size(); ++m) {
            add(m->header.data(), m->header.size());
            add(m->data.data(), m->data.size());
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        ssize_t done = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno == EAGAIN;
        sent(done);
    }
    return true;
}

void UsbipConnection::sent(size_t bytes) {
    bytes += out_offset_;
    while (!out_.empty() && bytes >= usbip_header_size + out_.front().data.size()) {
        bytes -= usbip_header_size + out_.front().data.size();
        out_.pop_front();
    }
    out_offset_ = bytes;
}

} // namespace vmodem
