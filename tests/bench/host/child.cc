// SPDX-License-Identifier: GPL-2.0
#include "child.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace bench {

// The process group that signals to this process end, too; 0: none.
static volatile pid_t running = 0;

extern "C" {
static void stop_running(int) {
    if (running)
        ::kill(-running, SIGTERM);
    ::_exit(1);
}
}

[[noreturn]] static void fail(const std::string &what) {
    throw std::system_error(errno, std::generic_category(), what);
}

Child::Child(const std::vector<std::string> &command) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        fail("pipe");
    output_ = vmodem::FileDescriptor(ends[0]);
    const vmodem::FileDescriptor theirs(ends[1]);
    std::vector<char *> arguments;
    for (const std::string &argument : command)
        arguments.push_back(const_cast<char *>(argument.c_str()));
    arguments.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, theirs.get(), 1);
    posix_spawn_file_actions_adddup2(&files, theirs.get(), 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    errno = ::posix_spawn(&process_, arguments[0], &files, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (errno)
        fail(command[0]);
    running = process_;
    for (int signal : {SIGINT, SIGTERM, SIGHUP})
        std::signal(signal, stop_running);
}

Child::~Child() {
    if (process_ > 0) {
        ::kill(-process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
    }
    running = 0;
}

std::optional<std::string> Child::line() {
    for (;;) {
        const size_t end = buffer_.find('\n');
        if (end != std::string::npos) {
            std::string text = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return text;
        }
        char bytes[4096];
        const ssize_t got = ::read(output_.get(), bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return std::nullopt;
        buffer_.append(bytes, size_t(got));
    }
}

bool Child::succeeded() {
    int status;
    ::waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace bench
