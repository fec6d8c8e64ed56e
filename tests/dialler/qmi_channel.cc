// SPDX-License-Identifier: GPL-2.0
#include "qmi_channel.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace dialler {

namespace {

constexpr size_t wdm_buffer = 8192; // cdc-wdm keeps up to 4096 bytes

[[noreturn]] void fail(const std::string &what) {
    throw std::system_error(errno, std::generic_category(), what);
}

bool wait_for(int fd, short events, std::chrono::milliseconds timeout) {
    pollfd p{fd, events, 0};
    const int ready = poll(&p, 1, static_cast<int>(timeout.count()));
    if (ready < 0 && errno != EINTR)
        fail("poll cdc-wdm");
    return ready > 0;
}

} // namespace

CdcWdm::CdcWdm(const std::string &path) : fd_(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
    if (fd_ < 0)
        fail(path);
    // Two readers of one node steal each other's answers.
    if (flock(fd_, LOCK_EX | LOCK_NB) < 0) {
        close(fd_);
        throw std::system_error(EBUSY, std::generic_category(), path);
    }
}

CdcWdm::~CdcWdm() {
    close(fd_);
}

void CdcWdm::write(ByteView frame) {
    while (::write(fd_, frame.data(), frame.size()) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            fail("write cdc-wdm");
        if (!wait_for(fd_, POLLOUT, std::chrono::seconds(5))) {
            errno = ETIMEDOUT;
            fail("write cdc-wdm");
        }
    }
}

std::optional<Bytes> CdcWdm::read(std::chrono::milliseconds timeout) {
    if (auto frame = take_qmux_frame(unread_))
        return frame;
    if (!wait_for(fd_, POLLIN, timeout))
        return std::nullopt;
    unread_.resize(wdm_buffer);
    const ssize_t got = ::read(fd_, unread_.data(), unread_.size());
    const int error = errno;
    unread_.resize(got > 0 ? got : 0);
    if (got < 0 && error != EAGAIN && error != EINTR) {
        errno = error;
        fail("read cdc-wdm");
    }
    return take_qmux_frame(unread_);
}

std::optional<Bytes> take_qmux_frame(Bytes &buffer) {
    const size_t length = buffer.size() < 3 ? 0 : (buffer[1] | buffer[2] << 8) + 1u;
    if (length < 3 || buffer[0] != 0x01 || length > buffer.size()) {
        buffer.clear();
        return std::nullopt;
    }
    const auto end = buffer.begin() + static_cast<std::ptrdiff_t>(length);
    Bytes frame(buffer.begin(), end);
    buffer.erase(buffer.begin(), end);
    return frame;
}

std::string find_cdc_wdm(const std::string &netdev) {
    std::error_code error;
    const std::filesystem::directory_iterator nodes("/sys/class/net/" + netdev + "/device/usbmisc",
                                                    error);
    for (const auto &node : nodes)
        return "/dev/" + node.path().filename().string();
    return {};
}

} // namespace dialler
