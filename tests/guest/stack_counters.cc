// SPDX-License-Identifier: GPL-2.0
#include "stack_counters.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace guest {

uint64_t stack_counter(const std::string &path, const std::string &name) {
    std::ifstream file(path);
    std::string names, values;
    while (std::getline(file, names) && std::getline(file, values)) {
        std::istringstream name_in(names), value_in(values);
        std::string pair;
        name_in >> pair;
        value_in >> pair;
        for (std::string n, v; name_in >> n && value_in >> v;)
            if (n == name || pair + n == name)
                return std::stoull(v);
    }
    throw std::runtime_error("no " + name + " in " + path);
}

} // namespace guest
