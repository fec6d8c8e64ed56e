// SPDX-License-Identifier: GPL-2.0
#include "qmapctl.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <grp.h>
#include <linux/netlink.h>
#include <ostream>
#include <sstream>
#include <sys/mman.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace guest {

namespace {

// What a file has from there on.
std::string content(const vmodem::FileDescriptor &file, size_t from) {
    std::string text;
    std::array<char, 4096> buffer;
    for (ssize_t n; (n = pread(file.get(), buffer.data(), buffer.size(), from)) > 0; from += n)
        text.append(buffer.data(), n);
    return text;
}

std::string without_last_end(std::string text) {
    if (text.ends_with('\n'))
        text.pop_back();
    return text;
}

} // namespace

// Into files, which a program that does not flush leaves empty, unlike terminals.
Running::Running(const std::string &arguments, uid_t user)
    : out_(memfd_create("stdout", MFD_CLOEXEC)), err_(memfd_create("stderr", MFD_CLOEXEC)) {
    const std::string command = "exec qmapctl " + arguments;
    pid_ = fork();
    if (pid_ < 0)
        throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_)
        return;
    dup2(out_.get(), STDOUT_FILENO);
    dup2(err_.get(), STDERR_FILENO);
    if (user != root && (setgroups(0, nullptr) || setgid(user) || setuid(user)))
        _exit(126);
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
}

Running::~Running() {
    if (has_ended())
        return;
    send_signal(SIGKILL);
    waitpid(pid_, nullptr, 0);
}

std::optional<std::string> Running::line(std::chrono::milliseconds timeout) {
    size_t end;
    if (!wait_until(
            [&] {
                const std::string more = content(out_, read_);
                read_ += more.size();
                unread_ += more;
                return (end = unread_.find('\n')) != std::string::npos;
            },
            timeout))
        return std::nullopt;
    const std::string line = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return line;
}

bool Running::listens() const {
    return wait_until([&] {
        std::istringstream table(read_file("/proc/net/netlink").value_or(""));
        std::string line, address;
        int protocol;
        uint32_t port, groups;
        while (std::getline(table, line))
            // libnl has the process id in the lower 22 bits of the port.
            if (std::istringstream(line) >> address >> protocol >> port >> std::hex >> groups &&
                protocol == NETLINK_GENERIC && (port & 0x3fffff) == unsigned(pid_) && groups)
                return true;
        return false;
    });
}

void Running::send_signal(int number) {
    kill(pid_, number);
}

Ran Running::finish() {
    if (!wait_until([&] { return has_ended(); }, 4 * patience)) {
        send_signal(SIGKILL);
        wait_until([&] { return has_ended(); });
    }
    return {status_.value_or(-1), without_last_end(unread_ + content(out_, read_)),
            without_last_end(content(err_, 0))};
}

bool Running::has_ended() {
    int status;
    if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_)
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return status_.has_value();
}

Ran qmapctl(const std::string &arguments, uid_t user) {
    return Running(arguments, user).finish();
}

std::ostream &operator<<(std::ostream &out, const Ran &ran) {
    return out << "exit status " << ran.status << "\n" << ran.out << "\n" << ran.err;
}

bool is_open_somewhere(const std::string &path) {
    for (const std::string &process : list_directory("/proc"))
        for (const std::string &fd : list_directory("/proc/" + process + "/fd")) {
            std::error_code gone;
            if (std::filesystem::read_symlink("/proc/" + process + "/fd/" + fd, gone) == path)
                return true;
        }
    return false;
}

} // namespace guest
