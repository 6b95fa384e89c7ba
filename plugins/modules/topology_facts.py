#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.topology_facts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology_facts
short_description: Reads the hardware of a host for running models
version_added: 0.1.0
description:
  - Reads CPUs, physical cores, caches, NUMA nodes, memory, GPUs and their links, the part of them that
    a service may use, and the installation of Ollama.
  - It changes nothing. P(inference.ollama.tuning_plan#filter) makes a plan from the facts that it returns.
  - Counts come from the kernel's own files and never from a division. A physical core is a set of sibling
    CPUs, whatever the numbers of cores and sockets are called.
  - What cannot be read is V(null) and named in RV(ansible_facts.ollama_topology.problems). It never fails
    because of the hardware.
options:
  gather_subset:
    description:
      - What to read, as in M(ansible.builtin.setup).
      - V(cpu), V(numa), V(memory), V(kernel), V(virtualization) and V(allowed) name one part each.
      - V(cache) stands for RV(ansible_facts.ollama_topology.cpu.llc), V(governor) for
        RV(ansible_facts.ollama_topology.cpu.governors) and
        RV(ansible_facts.ollama_topology.cpu.frequency_driver).
      - V(nvidia), V(amd) and V(drm), the cards of all other vendors, together are V(gpus). Each gives its cards
        in RV(ansible_facts.ollama_topology.gpus) and its driver in RV(ansible_facts.ollama_topology.drivers).
      - V(systemd), V(numactl) and V(ollama) together are V(software).
      - V(all) stands for all of them, and V(min) for V(cpu), V(memory) and V(kernel).
      - A name with V(!) in front leaves that part out. V(min) is always read unless V(!min) is given.
      - What is not read is V(null), each key by itself.
      - Only V(nvidia), V(amd), V(systemd) and V(ollama) run programs. V(nvidia) first asks the library of NVIDIA's
        driver, through C(nvidia-ml-py) where that is installed, in a process of its own.
    type: list
    elements: str
    default: [all]
extends_documentation_fragment:
  - inference.ollama.machine
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.facts
attributes:
  facts:
    support: full
requirements:
  - No other package. NVIDIA's driver answers for its GPUs through C(nvidia-ml-py) where that is installed, its library
    C(libnvidia-ml.so.1), or C(nvidia-smi).
notes:
  - C(ansible_processor_*) facts count cores wrongly on machines with several sockets, offline CPUs or
    hybrid CPUs, so this module does not use them.
  - O(root) may be a file with a text of M(inference.ollama.topology_capture) too, up to 8 MiB. Its programs answer as
    they did on that machine, and nothing is written.
seealso:
  - plugin: inference.ollama.tuning_plan
    plugin_type: filter
  - module: inference.ollama.topology_capture
  - module: ansible.builtin.setup
"""

EXAMPLES = r"""
- name: Read a machine again that topology_capture has recorded
  inference.ollama.topology_facts:
    root: /srv/captures/node-17.txt
  delegate_to: localhost

- name: Read the hardware
  inference.ollama.topology_facts:

- name: Show the physical cores of each NUMA node
  ansible.builtin.debug:
    msg: "node {{ item.id }}: {{ item.cores }} cores, CPUs {{ item.cpus }}"
  loop: "{{ ansible_facts['ollama_topology']['numa'] }}"
  loop_control:
    label: "{{ item.id }}"

- name: Read CPUs and memory without running any program
  inference.ollama.topology_facts:
    gather_subset:
      - all
      - "!gpus"
      - "!software"

- name: Read NVIDIA's GPUs and what a service may use, and nothing else
  inference.ollama.topology_facts:
    gather_subset:
      - "!min"
      - nvidia
      - allowed

- name: Read a machine that was captured before
  inference.ollama.topology_facts:
    root: /srv/captures/node-17
  delegate_to: localhost

- name: Give a slow GPU driver more time
  inference.ollama.topology_facts:
    command_timeout: 30
"""

RETURN = r"""
captured:
  description: Whether O(root) is a text of M(inference.ollama.topology_capture), from which no service can be read.
  returned: success
  type: bool
  sample: false
ansible_facts:
  description: Facts to add to the host.
  returned: success
  type: dict
  contains:
    ollama_topology:
      description:
        - The machine. Every key is always there.
        - V(null) means not known, or not read because of O(gather_subset).
        - A set of CPUs is a string in the kernel's list format, as V(0-13,28-41); an empty string is the
          empty set.
      type: dict
      contains:
        schema:
          description: The version of this shape.
          type: int
          sample: 1
        cpu:
          description: Logical CPUs and physical cores.
          type: dict
          contains:
            architecture:
              description:
                - The machine's architecture as in C(uname -m), from C(/proc/sys/kernel/arch) or the running
                  kernel. For a captured machine without that file it follows from the features in
                  C(/proc/cpuinfo).
              type: str
              sample: x86_64
            vendor:
              description: The CPU's vendor, from C(/proc/cpuinfo).
              type: str
              sample: GenuineIntel
            model:
              description: The CPU's model, from C(/proc/cpuinfo).
              type: str
              sample: Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz
            online:
              description: CPUs that the kernel schedules on, from C(/sys/devices/system/cpu/online).
              type: str
              sample: 0-55
            offline:
              description: CPUs that are present and switched off, from C(/sys/devices/system/cpu/present).
              type: str
              sample: ""
            isolated:
              description:
                - CPUs kept out of the scheduler's balancing with C(isolcpus=), from
                  C(/sys/devices/system/cpu/isolated). V(null) too on kernels older than that file.
              type: str
              sample: ""
            sockets:
              description:
                - Sockets with an online CPU, from C(topology/core_siblings_list) of each CPU.
                - In a virtual machine, see RV(ansible_facts.ollama_topology.virtualization), their number is the
                  hypervisor's choice and not that of the hardware below it.
              type: int
              sample: 2
            packages:
              description: For each socket its online CPUs, ordered by their first.
              type: list
              elements: str
              sample: ["0-13,28-41", "14-27,42-55"]
            cores:
              description:
                - Physical cores with an online CPU. The number of distinct sets in
                  C(topology/thread_siblings_list) of the online CPUs.
              type: int
              sample: 28
            threads:
              description: Online logical CPUs.
              type: int
              sample: 56
            threads_per_core:
              description: The numbers of online CPUs that cores have, in ascending order.
              type: list
              elements: int
              sample: [2]
            smt_active:
              description: Whether any core has more than one online CPU.
              type: bool
              sample: true
            siblings:
              description: For each physical core its online CPUs, ordered by their first.
              type: list
              elements: str
              sample: ["0,28", "1,29"]
            kinds:
              description:
                - The sorts of cores, the fastest first.
                - From C(/sys/devices/cpu_core/cpus), C(cpu_atom) and C(cpu_lowpower), or C(cpu_capacity) of
                  each CPU, or C(cpufreq) where cores are known to differ.
              type: list
              elements: dict
              contains:
                kind:
                  description:
                    - V(uniform) where all cores are alike, otherwise V(performance), V(middle),
                      V(efficiency) or V(low_power).
                  type: str
                  sample: uniform
                cpus:
                  description: The online CPUs of this kind.
                  type: str
                  sample: 0-55
                cores:
                  description: The physical cores of this kind.
                  type: int
                  sample: 28
            llc:
              description:
                - The caches of the highest level, from C(/sys/devices/system/cpu/cpu*/cache). Empty where
                  the kernel describes none.
              type: list
              elements: dict
              contains:
                cpus:
                  description: The online CPUs that share the cache.
                  type: str
                  sample: 0-13,28-41
                bytes:
                  description: The cache's size in bytes.
                  type: int
                  sample: 36700160
            governors:
              description:
                - The different governors of the online CPUs in alphabetical order, from
                  C(cpufreq/scaling_governor) of each CPU.
                - V(null) too where the kernel does not choose the clock, as in most virtual machines.
              type: list
              elements: str
              sample: [performance]
            frequency_driver:
              description: The driver that sets the clock, from C(cpufreq/scaling_driver). V(null) as above.
              type: str
              sample: intel_pstate
        numa:
          description:
            - The NUMA nodes ordered by number, from C(/sys/devices/system/node).
            - A kernel without that folder has one node, V(0), with every online CPU and all memory.
          type: list
          elements: dict
          contains:
            id:
              description: The node's number. There may be gaps.
              type: int
              sample: 0
            cpus:
              description: The node's online CPUs, from C(cpulist). Empty for a node of memory alone.
              type: str
              sample: 0-13,28-41
            cores:
              description: Physical cores with a CPU on this node.
              type: int
              sample: 14
            memory_bytes:
              description: The node's memory in bytes, MemTotal in C(meminfo). V(0) for a node without memory.
              type: int
              sample: 137438953472
            free_bytes:
              description: Unused memory in bytes, MemFree in C(meminfo).
              type: int
              sample: 120259084288
            hugepages:
              description:
                - For each size of huge pages in kB how many the node has reserved, from
                  C(hugepages/hugepages-*kB/nr_hugepages).
              type: dict
              sample:
                "2048": 0
                "1048576": 0
            distances:
              description: For each node what reaching it costs, from C(distance). V(10) is the node itself.
              type: dict
              sample:
                "0": 10
                "1": 21
            gpu_memory:
              description:
                - Whether this node has no CPUs because it is the memory of a GPU, from
                  C(/proc/driver/nvidia/gpus/*/numa_status).
              type: bool
              sample: false
        memory:
          description: Memory of the host, from C(/proc/meminfo).
          type: dict
          contains:
            total_bytes:
              description: MemTotal in bytes. Memory of GPUs that are NUMA nodes is part of it.
              type: int
              sample: 274877906944
            host_bytes:
              description:
                - The same without the nodes that are a GPU's memory, see
                  RV(ansible_facts.ollama_topology.numa[].gpu_memory).
              type: int
              sample: 274877906944
            available_bytes:
              description: MemAvailable in bytes, what programs could have without swapping.
              type: int
              sample: 268435456000
            swap_total_bytes:
              description: SwapTotal in bytes.
              type: int
              sample: 0
            swap_free_bytes:
              description: SwapFree in bytes, the unused part of it.
              type: int
              sample: 0
        kernel:
          description: The running kernel.
          type: dict
          contains:
            release:
              description: The release as in C(uname -r), from C(/proc/sys/kernel/osrelease).
              type: str
              sample: 6.12.0-55.el10.x86_64
            transparent_hugepage:
              description:
                - V(always), V(madvise) or V(never), from C(/sys/kernel/mm/transparent_hugepage/enabled).
                  V(null) too where the kernel has none.
              type: str
              sample: madvise
            transparent_hugepage_defrag:
              description:
                - V(always), V(defer), V(defer+madvise), V(madvise) or V(never), how hard a program that touches
                  memory tries for a huge page, from C(/sys/kernel/mm/transparent_hugepage/defrag).
                  V(null) too where the kernel has none.
              type: str
              sample: madvise
            numa_balancing:
              description:
                - Whether the kernel moves pages between nodes, from C(/proc/sys/kernel/numa_balancing).
                  V(null) too where the kernel cannot.
              type: bool
              sample: true
            cgroup_version:
              description:
                - The version of the hierarchy of control groups that divides CPU time, V(1) or V(2), from
                  C(/proc/mounts). V(null) too where none is mounted.
              type: int
              sample: 2
            cgroup_cpu:
              description:
                - Whether control groups can have a CPU weight, which needs the controller C(cpu) in C(/proc/mounts)
                  (version 1) or in C(cgroup.controllers) of the root (version 2).
              type: bool
              sample: true
            sleep_states:
              description:
                - The words in C(/sys/power/state), in which V(mem) and V(disk) take power from cards. Empty where
                  C(sleep.target) or C(suspend.target) is masked. V(null) where the kernel cannot sleep.
              type: list
              elements: str
              sample: [freeze, mem, disk]
        virtualization:
          description:
            - Whether this is a machine of its own, a virtual machine or a container, in the words of
              C(systemd-detect-virt). A container in a virtual machine is called a container.
            - Read from files alone. A hypervisor that neither the firmware's names nor the clock sources tell is
              V(vm-other).
          type: dict
          contains:
            kind:
              description:
                - V(none), or the technology such as V(kvm), V(qemu), V(vmware), V(microsoft), V(xen), V(amazon),
                  V(vm-other), V(docker), V(podman), V(lxc), V(systemd-nspawn), V(wsl) or V(container-other).
                - From C(/run/systemd/container), C(/run/host/container-manager), C(/run/.containerenv),
                  C(/.dockerenv), the variable C(container) in C(/proc/1/environ), the names in
                  C(/sys/class/dmi/id), C(/sys/hypervisor/type), C(/proc/device-tree), C(/proc/sysinfo), clock
                  sources that guests alone have, and the flag C(hypervisor) in C(/proc/cpuinfo).
              type: str
              sample: none
            type:
              description: V(none), V(vm) or V(container).
              type: str
              sample: none
        allowed:
          description:
            - What a service on this host may use. The control group of C(ollama.service), in C(system.slice) or in
              the slice below the root that it runs in, with all above it; or those of this module where no
              C(system.slice) is; and the affinity of process 1.
          type: dict
          contains:
            cpus:
              description:
                - CPUs, from C(AllowedCPUs=) in the files of C(ollama.service) and of the slices that it will run in,
                  C(cpuset.cpus.effective) of these slices and Cpus_allowed_list in C(/proc/1/status).
              type: str
              sample: 0-55
            cores:
              description: Physical cores with at least one of these CPUs.
              type: int
              sample: 28
            mems:
              description:
                - NUMA nodes that memory may come from, those with memory of C(AllowedMemoryNodes=),
                  C(cpuset.mems.effective) and Mems_allowed_list.
              type: str
              sample: 0-1
            cpu_quota:
              description:
                - How many cores' worth of time, from C(CPUQuota=), C(cpu.max) or C(cpu.cfs_quota_us). V(null)
                  where nothing limits it.
              type: float
              sample: 4.0
            memory_bytes:
              description:
                - Memory in bytes, from C(MemoryMax=), C(MemoryHigh=), C(memory.max), C(memory.high) or
                  C(memory.limit_in_bytes), or the memory of the nodes in C(mems) where that is less. V(null) where
                  nothing limits it.
              type: int
              sample: 68719476736
            system_slice:
              description:
                - Those of V(cpus), V(mems), V(cpu_quota) and V(memory_bytes) that C(system.slice) itself limits, which
                  a service escapes in another slice. V(null) without such a control group.
              type: list
              elements: str
              sample: []
            instance_cpu_quota:
              description:
                - CPU time of each instance of C(ollama@.service) by itself, as C(CPUQuota=) of files that are not the
                  role's has it. V(null) where nothing limits it.
              type: float
              sample: 4.0
            instance_memory_bytes:
              description: The same for the memory of each instance in bytes.
              type: int
              sample: 17179869184
            slices:
              description:
                - The same for other slices below the root that the service may be put into, such as C(ollama.slice).
                  The entry without a name stands for all that are not listed. Empty where all have the same limits
                  as the slice that the unit's files name. V(null) without control groups of a service manager.
              type: list
              elements: dict
              sample: []
              contains:
                name:
                  description: The slice, V(null) for all others.
                  type: str
                  sample: ollama.slice
                cpus:
                  description: As above.
                  type: str
                  sample: 0-55
                cores:
                  description: As above.
                  type: int
                  sample: 28
                mems:
                  description: As above.
                  type: str
                  sample: 0-1
                cpu_quota:
                  description: As above.
                  type: float
                  sample: 4.0
                memory_bytes:
                  description: As above.
                  type: int
                  sample: 68719476736
        gpus:
          description:
            - The GPUs, NVIDIA first, then AMD, then the others. From C(nvidia-ml-py),
              C(libnvidia-ml.so.1), C(nvidia-smi) or C(/proc/driver/nvidia); from C(/sys/class/kfd) and C(rocm-smi);
              and from C(/sys/bus/pci/devices) and C(/sys/class/drm).
            - Only those that O(gather_subset) asks for.
          type: list
          elements: dict
          contains:
            vendor:
              description:
                - V(nvidia), V(amd), V(intel) or the PCI vendor number such as V(0x1ed5). On a board without PCI the
                  vendor's name in the device tree such as V(arm).
              type: str
              sample: nvidia
            index:
              description:
                - The number that the vendor's driver gives it. V(null) where the driver does not answer for
                  it.
              type: int
              sample: 0
            name:
              description: The product's name.
              type: str
              sample: NVIDIA H200
            uuid:
              description:
                - The identifier that the vendor's driver accepts in C(CUDA_VISIBLE_DEVICES) and its like.
              type: str
              sample: GPU-8f6b5a52-5c8e-4f0e-9f0e-2d0f6a4c1b7d
            pci_bus_id:
              description: The PCI address as in C(/sys/bus/pci/devices). V(null) too for a GPU on no PCI bus.
              type: str
              sample: "0000:03:00.0"
            driver:
              description:
                - The kernel driver that it is bound to, from the link C(driver) or from C(uevent). V(null) too for
                  none.
              type: str
              sample: nvidia
            answers:
              description:
                - Whether the vendor's compute driver lists it, when NVIDIA's library, C(nvidia-smi) or
                  C(/sys/class/kfd) was asked. A card that has V(false) computes nothing here. It may have fallen off
                  the bus, belong to another container, or be bound to another driver.
                - V(null) where there was nothing to ask, as for Intel's cards and captured machines of NVIDIA's, and
                  where the driver failed as a whole, see RV(ansible_facts.ollama_topology.drivers.nvidia.error).
              type: bool
              sample: true
            memory_bytes:
              description:
                - The GPU's memory in bytes. For a GPU that shares the host's memory it is the most that it can have.
              type: int
              sample: 150754820096
            free_bytes:
              description: Unused memory of the GPU in bytes.
              type: int
              sample: 150109945856
            shared_bytes:
              description:
                - How much of RV(ansible_facts.ollama_topology.gpus[].memory_bytes) is the host's own memory, which
                  RV(ansible_facts.ollama_topology.memory.total_bytes) counts too. V(0) for a card with memory of its
                  own, and for the part that firmware keeps from the host for an integrated GPU.
              type: int
              sample: 0
            memory_bandwidth_bytes_per_second:
              description:
                - What the GPU's memory bus carries in a second at its greatest clock, from NVIDIA's library. It is
                  the hardware's bound, of which programs see a part, and that of the whole GPU where there are
                  partitions.
                - V(null) for other vendors' GPUs, for those that share the host's memory, and where C(nvidia-smi)
                  answers in the library's place.
              type: int
              sample: 4916736000000
            compute_capability:
              description: NVIDIA's compute capability.
              type: str
              sample: "9.0"
            gfx_target:
              description: AMD's instruction set, from gfx_target_version of C(/sys/class/kfd).
              type: str
              sample: gfx942
            architecture:
              description: The vendor's name for the generation.
              type: str
              sample: Hopper
            numa_node:
              description:
                - The NUMA node it is attached to, from C(numa_node). V(null) where the kernel has -1.
              type: int
              sample: 0
            cpus:
              description: The CPUs near it, from the driver or C(local_cpulist).
              type: str
              sample: 0-13,28-41
            display_active:
              description:
                - Whether it drives a display, from NVIDIA's driver, or from C(status) and C(enabled) of the connectors
                  in C(/sys/class/drm). V(null) is unknown, not "no".
              type: bool
              sample: false
            integrated:
              description: Whether it shares the host's memory.
              type: bool
              sample: false
            mig:
              description: NVIDIA's partitions. V(null) where the GPU cannot be partitioned.
              type: dict
              contains:
                enabled:
                  description: Whether the GPU is partitioned.
                  type: bool
                  sample: true
                instances:
                  description: The partitions. V(null) where no answer lists them.
                  type: list
                  elements: dict
                  contains:
                    name:
                      description: The partition's profile.
                      type: str
                      sample: 1g.20gb
                    uuid:
                      description: The partition's identifier.
                      type: str
                      sample: MIG-6a5f1f0c-0f5e-5d0b-8a43-4a6f4f7f5d21
                    memory_bytes:
                      description: The partition's memory in bytes.
                      type: int
                      sample: 20937965568
            links:
              description:
                - How it reaches the other GPUs of its vendor, from the driver or from the bridges between them in
                  C(/sys/devices).
              type: list
              elements: dict
              contains:
                to:
                  description: The other GPU's RV(ansible_facts.ollama_topology.gpus[].index).
                  type: int
                  sample: 1
                kind:
                  description:
                    - As in C(nvidia-smi topo -m), for example V(NV18) for 18 NVLinks, V(PIX), V(PXB),
                      V(PHB), V(NODE) or V(SYS) for ever longer ways over PCI. From AMD's driver V(XGMI) or
                      V(PCIE).
                  type: str
                  sample: NV18
            persistence_mode:
              description: Whether the driver keeps the GPU ready while nothing uses it.
              type: bool
              sample: true
        drivers:
          description: Kernel drivers of the GPUs, of those vendors that O(gather_subset) asks for.
          type: dict
          contains:
            nvidia:
              description: NVIDIA's driver. V(null) where none is loaded and none has failed.
              type: dict
              contains:
                driver:
                  description: The driver's version.
                  type: str
                  sample: 580.159.04
                cuda:
                  description: The newest CUDA release that it supports.
                  type: str
                  sample: "13.0"
                error:
                  description:
                    - Why the driver answered for none of its GPUs, as it said it itself, such as
                      V(Driver/library version mismatch). V(null) where it answered, and
                      where it could not be asked.
                  type: str
                  sample: null
            amd:
              description: AMD's driver. V(null) where none is loaded and none has failed.
              type: dict
              contains:
                driver:
                  description: The driver's version.
                  type: str
                  sample: 6.12.12
                error:
                  description: Why the driver answered for none of its GPUs. V(null) where it answered.
                  type: str
                  sample: null
        software:
          description: Programs that a plan needs to know of.
          type: dict
          contains:
            systemd:
              description:
                - The version of systemd. V(null) where another program is process 1, and for a captured machine.
              type: int
              sample: 257
            numactl:
              description: The path of C(numactl). V(null) where it is not installed.
              type: str
              sample: /usr/bin/numactl
            ollama:
              description: The Ollama installation. V(null) without one.
              type: dict
              contains:
                binary:
                  description: The path of the program.
                  type: str
                  sample: /usr/local/bin/ollama
                version:
                  description:
                    - The release of the program, which the next start runs.
                    - A running server of the very file says it, else the program.
                    - V(null) where neither does.
                  type: str
                  sample: 0.34.1
                unit:
                  description: Its systemd unit. V(null) without one.
                  type: dict
                  contains:
                    name:
                      description: The unit's name.
                      type: str
                      sample: ollama.service
                    path:
                      description: The unit file.
                      type: str
                      sample: /etc/systemd/system/ollama.service
                    user:
                      description: The user it runs as.
                      type: str
                      sample: ollama
                    group:
                      description: The group it runs as.
                      type: str
                      sample: ollama
                    home:
                      description:
                        - The home of its user, by the host's accounts. V(null) where it is not known, as for a captured
                          machine.
                      type: str
                      sample: /usr/share/ollama
                    home_unknown:
                      description:
                        - Why C(home) is V(null), such as C(DynamicUser=) or a user that the host does not have.
                      type: str
                      sample: null
                    home_links:
                      description:
                        - Where the home, its C(.ollama) and the store in it really lie, those that are links.
                      type: list
                      elements: str
                      sample: []
                    slice:
                      description:
                        - The slice that C(Slice=) of its files names, and the file. Files of this collection's role do
                          not count. V(null) where no other file names one.
                      type: dict
                      sample: null
                      contains:
                        name:
                          description: The slice.
                          type: str
                          sample: inference.slice
                        path:
                          description: The file.
                          type: str
                          sample: /etc/systemd/system/ollama.service.d/10-slice.conf
                    wrapped_command:
                      description:
                        - The command of its files where it is more than the program and C(serve), such as a script or
                          C(env), without secrets. Files of this collection's role do not count. V(null) for another
                          one.
                      type: str
                      sample: null
                    dropins:
                      description: The drop-ins in effect.
                      type: list
                      elements: str
                      sample: [/etc/systemd/system/ollama.service.d/override.conf]
                    active:
                      description: Whether it is running. V(null) where systemd cannot be asked.
                      type: bool
                      sample: true
                    environment_files:
                      description: The files it takes its environment from.
                      type: list
                      elements: str
                      sample: [/etc/ollama/ollama.env]
        problems:
          description: What could not be read. Each says where, what was found and what was expected.
          type: list
          elements: str
          sample:
            - "nvidia-smi did not answer within 5 s and was stopped"
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import (
    GROUPS,
    MINIMAL,
    SUBSETS,
    gather,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.options import OPTIONS, machine_of
from ansible_collections.inference.ollama.plugins.module_utils._topology.subset import wanted


def argument_spec() -> dict[str, dict[str, Any]]:
    return {**OPTIONS, "gather_subset": {"type": "list", "elements": "str", "default": ["all"]}}


def chosen(gather_subset: list[str]) -> set[str]:
    """The parts that the option asks for, by the rules of ansible.builtin.setup; a group stands for its parts."""
    allowed = {"all", "min", *SUBSETS, *GROUPS}
    names: list[str] = []
    for said in gather_subset:
        negation, name = said[: said.startswith("!")], said[said.startswith("!") :]
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise OllamaError(f"gather_subset: {said!r} is not one of {known}, or one of them with ! in front")
        # By core's rules a part that is named is wanted whatever is left out, so a group does not name such a part.
        names += [
            f"{negation}{part}"
            for part in sorted(GROUPS.get(name, {name}))
            if negation or name not in GROUPS or f"!{part}" not in gather_subset
        ]
    return wanted(SUBSETS, MINIMAL, names)


def read(params: dict[str, Any]) -> dict[str, Any]:
    subset = chosen(params["gather_subset"])
    return gather(*machine_of(params, captures=True), subset)


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        topology = read(module.params)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    captured = not os.path.isdir(module.params["root"])
    module.exit_json(changed=False, captured=captured, ansible_facts={"ollama_topology": topology})


if __name__ == "__main__":
    main()
