// SPDX-License-Identifier: GPL-2.0
// A plugin for QEMU's TCG: counts the instructions of the guest by the address at which their
// blocks start, between the calls of two functions. Writes lines "address instructions", in hex and
// decimal, when QEMU ends.
//
//   -plugin profile.so,begin=ADDRESS,end=ADDRESS,out=FILE
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

// What is used of QEMU's plugin interface, of which Debian packages no header.
extern "C" {
using qemu_plugin_id_t = uint64_t;
struct qemu_plugin_tb;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*callback)(qemu_plugin_id_t, qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(qemu_plugin_tb *tb, void (*callback)(unsigned, void *),
                                          qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*callback)(qemu_plugin_id_t, void *),
                                    void *data);

[[gnu::visibility("default")]] extern const int qemu_plugin_version = 2;
[[gnu::visibility("default")]] int qemu_plugin_install(qemu_plugin_id_t id, const void *info,
                                                       int argc, char **argv);
}

namespace {

// A block as it was translated; there may be several of one address.
struct Block {
    uint64_t address, instructions;
    uint64_t executed = 0;
};

struct State {
    uint64_t begin_address = 0, end_address = 0;
    std::string out_path;
    std::unordered_multimap<uint64_t, Block> blocks;
    bool counting = false;
};
// Never destroyed: QEMU's exit comes after that of static objects here.
State &state = *new State;

void executed(unsigned, void *data) {
    Block &block = *static_cast<Block *>(data);
    if (block.address == state.begin_address)
        state.counting = true;
    else if (block.address == state.end_address)
        state.counting = false;
    block.executed += state.counting;
}

void translated(qemu_plugin_id_t, qemu_plugin_tb *tb) {
    const uint64_t address = qemu_plugin_tb_vaddr(tb), count = qemu_plugin_tb_n_insns(tb);
    auto [at, end] = state.blocks.equal_range(address);
    while (at != end && at->second.instructions != count)
        ++at;
    if (at == end)
        at = state.blocks.emplace(address, Block{address, count});
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, &at->second);
}

void write_down(qemu_plugin_id_t, void *) {
    std::FILE *out = std::fopen(state.out_path.c_str(), "w");
    if (!out)
        return;
    for (const auto &[address, block] : state.blocks)
        if (block.executed)
            std::fprintf(out, "%016" PRIx64 " %" PRIu64 "\n", address,
                         block.executed * block.instructions);
    std::fclose(out);
}

} // namespace

int qemu_plugin_install(qemu_plugin_id_t id, const void *, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        const char *value = std::strchr(argv[i], '=');
        const std::string name(argv[i], value ? size_t(value - argv[i]) : 0);
        if (name == "begin")
            state.begin_address = std::strtoull(value + 1, nullptr, 16);
        else if (name == "end")
            state.end_address = std::strtoull(value + 1, nullptr, 16);
        else if (name == "out")
            state.out_path = value + 1;
        else
            return -1;
    }
    if (!state.begin_address || !state.end_address || state.out_path.empty())
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, write_down, nullptr);
    return 0;
}
