// SPDX-License-Identifier: GPL-2.0
#include "qmapctl.h"

#include "host.h"

#include <filesystem>
#include <ostream>
#include <unistd.h>

namespace guest {

Ran qmapctl(const std::string &arguments) {
    // Several may run at once.
    char directory[] = "/tmp/qmapctl.XXXXXX";
    const std::string at = mkdtemp(directory);
    Ran ran;
    ran.status = run("qmapctl " + arguments + " >" + at + "/out 2>" + at + "/err");
    ran.out = read_file(at + "/out").value_or("");
    ran.err = read_file(at + "/err").value_or("");
    std::filesystem::remove_all(at);
    return ran;
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
