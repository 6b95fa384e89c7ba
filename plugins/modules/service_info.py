#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.service_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_info
short_description: Reads the settings and resources that a running Ollama service uses
version_added: 0.1.0
description:
  - Reads, for each server on a host, the unit and its drop-ins in effect, the processes of the server and of its
    runners, the answers of its API, and its log since it was started.
  - It changes nothing.
  - What cannot be read is V(null) and named in RV(service.instances[].problems), with the path or the command,
    what was found and what was expected. It never fails because of the host.
  - Secrets are replaced by V(***) before anything leaves the host, in environments, command lines and the log.
    They are known by the name of a variable or an option, such as C(OLLAMA_API_KEY) or C(--api-key), and by
    their form, such as a password in an address.
options:
  units:
    description: The servers to read.
    type: list
    elements: dict
    default:
      - unit: ollama.service
        url: http://127.0.0.1:11434
    suboptions:
      unit:
        description: The name of its unit in systemd.
        type: str
        required: true
      url:
        description: Where its API answers, without a user or a password.
        type: str
        default: http://127.0.0.1:11434
  parts:
    description:
      - Parts to read. The others are V(null).
      - V(unit) selects the properties and files of the unit, V(processes) the server and its runners, V(api) the
        answers of its API, V(journal) its log.
    type: list
    elements: str
    default: [unit, processes, api, journal]
  journal_lines:
    description:
      - At most this many lines of the log are read, the last ones of the unit's last start. From 1 to 100000.
      - Where C(journalctl) can pick lines, only those that matter are counted, of which no request makes any, and as
        many around the start of each process that is missing among them.
    type: int
    default: 2000
  api_timeout:
    description:
      - After how many seconds the API is no longer waited for. It is asked twice. Above 0 and up to 3600.
    type: float
    default: 3
  wait:
    description:
      - For at most how many seconds to wait until the API of each server answers, before anything is read. From 0 to
        3600. An answer of a process that is not the unit's does not count.
      - A unit that has failed, or ended three times meanwhile, is no longer waited for.
    type: float
    default: 0
  require_answer:
    description:
      - Whether to fail where an API does not answer with its release, with what the unit and its log say.
      - An answer of a process that is not the unit's does not count.
    type: bool
    default: false
extends_documentation_fragment:
  - inference.ollama.machine
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
requirements:
  - No other package. C(systemctl) and C(journalctl) are asked where they are.
notes:
  - Without root the environment, the memory by node and the huge pages of another user's process cannot be read, nor
    can the log without the group C(systemd-journal), nor files of variables that only root may read.
  - The kernel walks the page tables of a process for its memory by node and its huge pages, which takes it about a
    second for each 100 GiB in small pages. O(parts) leaves it out.
  - With another O(root) than V(/) no API is asked.
seealso:
  - module: inference.ollama.topology_facts
  - plugin: inference.ollama.tuning_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the service
  inference.ollama.service_info:
  become: true
  register: found

- name: Show where each runner may run and where its memory lies
  ansible.builtin.debug:
    msg: "{{ item.compute_threads }} threads on CPUs {{ item.cpus_allowed }}, memory {{ item.memory_by_node }}"
  loop: "{{ found.service.instances[0].processes | selectattr('kind', 'eq', 'runner') }}"
  loop_control:
    label: "{{ item.pid }}"

- name: Read two servers of a host
  inference.ollama.service_info:
    units:
      - unit: ollama@node0.service
        url: http://127.0.0.1:11434
      - unit: ollama@node1.service
        url: http://127.0.0.1:11435
  become: true

- name: Read only which models are in memory
  inference.ollama.service_info:
    parts: [api]
"""

RETURN = r"""
service:
  description:
    - The servers. Every key is always there.
    - V(null) means not known, or not read because of O(parts).
    - A set of CPUs or nodes is a string in the kernel's list format, as V(0-13,28-41). Bytes are integers.
  returned: success
  type: dict
  contains:
    schema:
      description: The version of this shape.
      type: int
      sample: 1
    instances:
      description: One entry for each of O(units), in their order.
      type: list
      elements: dict
      contains:
        unit:
          description: The name of the unit, as given.
          type: str
          sample: ollama.service
        load_state:
          description: LoadState of C(systemctl show), such as V(loaded), V(not-found) or V(masked).
          type: str
          sample: loaded
        active_state:
          description: ActiveState of C(systemctl show), such as V(active), V(inactive) or V(failed).
          type: str
          sample: active
        sub_state:
          description: SubState of C(systemctl show), such as V(running) or V(auto-restart).
          type: str
          sample: running
        unit_file_state:
          description:
            - UnitFileState of C(systemctl show), whether it starts at boot, such as V(enabled), V(disabled), V(static)
              or V(masked). V(null) too where no file of the unit is installed.
          type: str
          sample: enabled
        result:
          description: Result of C(systemctl show), why it ended last, such as V(success), V(exit-code) or V(oom-kill).
          type: str
          sample: success
        restarts:
          description: NRestarts of C(systemctl show), how often systemd restarted it because it ended.
          type: int
          sample: 0
        main_pid:
          description: MainPID of C(systemctl show). V(null) too where it does not run.
          type: int
          sample: 4711
        invocation_id:
          description: InvocationID of C(systemctl show), which names its last start.
          type: str
          sample: 1f9d2c0a6b7e4e0f8a5d3c2b1a098765
        started_at:
          description: ActiveEnterTimestamp of C(systemctl show), in the words and the time zone of the host.
          type: str
          sample: Sun 2026-11-22 08:12:02 UTC
        need_daemon_reload:
          description:
            - NeedDaemonReload of C(systemctl show), whether files were changed since systemd read them. What they say
              now does not act before C(systemctl daemon-reload) and a restart.
          type: bool
          sample: false
        fragment_path:
          description: The unit's own file.
          type: str
          sample: /etc/systemd/system/ollama.service
        dropins:
          description: The drop-ins in effect, in systemd's order. A later one overrides an earlier one.
          type: list
          elements: str
          sample: [/etc/systemd/system/ollama.service.d/override.conf]
        environment:
          description:
            - The variables that Environment= of all files together sets, as systemd has them loaded.
            - Those in files that EnvironmentFile= names are not among them. What a process really has is in
              RV(service.instances[].processes[].environment).
          type: dict
          sample:
            OLLAMA_KEEP_ALIVE: "-1"
        overrides:
          description:
            - The variables and directives of the section Service that several files set, in the order of their names,
              variables first. Read from the files as they are now, see RV(service.instances[].need_daemon_reload).
            - Directives that add up are there only where an empty assignment takes back what others said. All of
              the files in EnvironmentFile= come after all of Environment=, see systemd.exec(5).
          type: list
          elements: dict
          contains:
            name:
              description: The variable or the directive.
              type: str
              sample: OLLAMA_HOST
            kept:
              description: The file whose assignment holds.
              type: str
              sample: /etc/systemd/system/ollama.service.d/override.conf
            lost:
              description: The files whose assignments do not, in the order in which they are read.
              type: list
              elements: str
              sample: [/etc/systemd/system/ollama.service]
        secret_files:
          description:
            - Mode and owner of the files that exist among those that EnvironmentFile= names and those that credentials
              are made of, see systemd.exec(5), C(LoadCredential=). Part V(unit).
            - What such a file sets is hidden in all of this where its owner alone can read it, whatever its name.
          type: list
          elements: dict
          contains:
            path:
              description: The path.
              type: str
              sample: /etc/ollama/secrets.env
            mode:
              description: The permissions in octal digits.
              type: str
              sample: "0600"
            user_id:
              description: The number of the owner.
              type: int
              sample: 0
        control_groups:
          description:
            - The control groups of the service from its own up to the root, and their weights. Part V(processes).
            - V([]) for a service that does not run, V(null) where its group is not known.
          type: list
          elements: dict
          sample:
            - {path: /ollama.slice/ollama.service, cpu_weight: null}
            - {path: /ollama.slice, cpu_weight: 7200}
            - {path: /, cpu_weight: null}
          contains:
            path:
              description: Its path below the root of the hierarchy.
              type: str
              sample: /ollama.slice
            cpu_weight:
              description:
                - Its share of busy CPUs among the groups of the same parent, where 100 is usual, from C(cpu.weight). In
                  version 1 of control groups it is C(cpu.shares) * 100 / 1024, rounded.
                - V(null) too where a group has none, as the root, and groups that the controller is not on for, which
                  all count alike.
              type: int
              sample: 7200
        processes:
          description:
            - The server and its runners, the server first.
            - They are found by the control group of the unit, or as children of its main process. Processes that
              Ollama starts for a moment to look for GPUs are left out.
            - V(null) where its processes cannot be identified.
          type: list
          elements: dict
          contains:
            kind:
              description:
                - V(server), or V(runner), a process that holds a model. Runners are C(llama-server --model) since
                  0.30.0, C(ollama runner --model) from 0.5.8 and C(ollama_llama_server) before.
              type: str
              sample: runner
            pid:
              description: Its number.
              type: int
              sample: 4811
            exe:
              description:
                - The program's file, from the link C(/proc/PID/exe). It ends in V( (deleted\)) where the file was
                  replaced since, as by an upgrade without a restart.
              type: str
              sample: /usr/local/lib/ollama/llama-server
            command_line:
              description: C(/proc/PID/cmdline), without secrets.
              type: list
              elements: str
              sample: [/usr/local/lib/ollama/llama-server, --model, /srv/models/blobs/sha256-0a, --port, "40737"]
            environment:
              description: C(/proc/PID/environ), what it was started with, without secrets.
              type: dict
              sample:
                LLAMA_ARG_THREADS: "14"
            model:
              description: The file that follows C(--model) on its command line. V(null) too for the server.
              type: str
              sample: /srv/models/blobs/sha256-0a
            cpus_allowed:
              description:
                - The CPUs that any of its threads may run on, Cpus_allowed_list of C(/proc/PID/task/TID/status). A
                  thread may have more than the process was started with, since C(LLAMA_ARG_NUMA=distribute) sets
                  the affinity of each.
              type: str
              sample: 14-27,42-55
            mems_allowed:
              description:
                - The nodes that its memory may come from by its cpuset, Mems_allowed_list of the same files. A
                  policy, as C(numactl --membind) sets, is in RV(service.instances[].processes[].memory_policy).
              type: str
              sample: 0-1
            threads:
              description: How many threads it has, the entries of C(/proc/PID/task).
              type: int
              sample: 35
            compute_threads:
              description:
                - How many of a runner's threads compute. These are the threads whose time in user mode, utime of
                  C(/proc/PID/task/TID/stat), is at least half of the busiest one's, since each was started.
                - V(null) while the busiest has less than 0.2 seconds, as before the first request, and for a server.
                - It is an estimate. A runner whose model is on a GPU has one such thread, which feeds the GPU.
                  Requests with different numbers of threads, other work on the same CPUs, and runners before 0.30.0,
                  whose first thread may move between threads of Go, make it one or more too low or too high.
              type: int
              sample: 14
            involuntary_switches:
              description:
                - How often its threads had to leave their CPU for another one that was to run there,
                  nonvoluntary_ctxt_switches of C(/proc/PID/task/TID/status), the sum since each was started.
                - V(null) too for a process of more than 4096 threads.
              type: int
              sample: 214
            cpu_seconds:
              description:
                - The CPU time that the same threads have used, utime and stime of C(/proc/PID/task/TID/stat). Many
                  involuntary switches in each second of it mean that compute threads share their CPUs.
              type: float
              sample: 96.25
            longest_wait:
              description:
                - The thread that was ready to run for the longest time without getting a CPU, since it was started,
                  from C(/proc/PID/task/TID/schedstat). All compute threads wait for it.
                - V(null) too on kernels without C(CONFIG_SCHED_INFO).
              type: dict
              sample: {cpu_seconds: 6.85, wait_seconds: 0.04}
              contains:
                cpu_seconds:
                  description: For how long it ran.
                  type: float
                  sample: 6.85
                wait_seconds:
                  description: For how long it waited.
                  type: float
                  sample: 0.04
            memory_by_node:
              description:
                - Bytes of its memory on each NUMA node, from the pages N0, N1 and so on in C(/proc/PID/numa_maps). A
                  model's file that is mapped counts as far as it is in memory. Memory of GPUs is not in it.
              type: dict
              sample:
                "0": 20971520
                "1": 8589934592
            memory_policy:
              description:
                - The policy that most of this memory is under, in the words of C(/proc/PID/numa_maps), such as
                  V(default), V(bind:1) or V(interleave:0-1), see numactl(8).
              type: str
              sample: bind:1
            resident_bytes:
              description: VmRSS of C(/proc/PID/status), the part of its memory in RAM without pages from hugetlbfs.
              type: int
              sample: 8610906112
            anonymous_huge_bytes:
              description: AnonHugePages of C(/proc/PID/smaps_rollup), in transparent huge pages.
              type: int
              sample: 8581545984
            file_huge_bytes:
              description: FilePmdMapped of C(/proc/PID/smaps_rollup), of files in huge pages.
              type: int
              sample: 0
            shared_huge_bytes:
              description: ShmemPmdMapped of C(/proc/PID/smaps_rollup), shared memory in huge pages.
              type: int
              sample: 0
            hugetlb_bytes:
              description: Shared_Hugetlb and Private_Hugetlb of C(/proc/PID/smaps_rollup), from hugetlbfs.
              type: int
              sample: 0
            locked_bytes:
              description: VmLck of C(/proc/PID/status), what is kept from being swapped out.
              type: int
              sample: 0
            limits:
              description: Limits of the process, from C(/proc/PID/limits). In it V(null) is no limit.
              type: dict
              contains:
                nofile:
                  description: C(soft) and C(hard) number of open files.
                  type: dict
                  sample:
                    soft: 65535
                    hard: 65535
                memlock:
                  description: C(soft) and C(hard) number of bytes that it may lock.
                  type: dict
                  sample:
                    soft: null
                    hard: null
            oom_score:
              description: C(/proc/PID/oom_score). Of all processes the one with the greatest is killed first.
              type: int
              sample: 666
            oom_score_adjust:
              description: C(/proc/PID/oom_score_adj), what OOMScoreAdjust= sets.
              type: int
              sample: -500
            gpu:
              description:
                - What a runner has of cards. V(null) for the server.
                - C(libraries) of drivers and backends, and C(devices), device files of cards, in C(/proc/PID/maps).
                  V(null) where that cannot be read.
                - C(memory_bytes) of cards by the driver's own list of processes (C(nvidia-smi --query-compute-apps),
                  C(/sys/class/kfd/kfd/proc)). 0 where the driver answers and does not list the process, V(null) where
                  it does not answer, and for one that has a card open and is not listed, as in a container.
              type: dict
              sample:
                libraries: [libcuda, libggml-cuda]
                devices: [/dev/nvidia-uvm, /dev/nvidia0]
                memory_bytes: 5000658944
            started_seconds:
              description: How many seconds ago it was started, from C(/proc/PID/stat) and C(/proc/uptime).
              type: float
              sample: 3601.5
        device_wait:
          description:
            - How the last start of the unit waited for the device files of its cards, C(waited_seconds), and which were
              C(missing) when it went on. V(null) where the unit does not wait, or has not been started since boot.
          type: dict
          sample:
            waited_seconds: 2.5
            missing: []
        cpu_quotas:
          description:
            - The control groups of the server that have a quota of CPU time, its own and those above it, from the top
              down. Empty where none limits it; O(parts) reads them with V(processes).
            - The counts are since the group was made, of all processes in it.
          type: list
          elements: dict
          contains:
            group:
              description: The group's path, V(/) for the top, which is that of a container inside one.
              type: str
              sample: /system.slice/ollama.service
            quota_cpus:
              description: The quota in CPUs, from C(cpu.max), or C(cpu.cfs_quota_us) of version 1.
              type: float
              sample: 4.0
            period_usec:
              description: In how many microseconds that much CPU time may be used.
              type: int
              sample: 100000
            nr_periods:
              description: nr_periods of C(cpu.stat), the periods in which anything ran.
              type: int
              sample: 4567
            nr_throttled:
              description: nr_throttled of C(cpu.stat), in how many of them the quota was used up.
              type: int
              sample: 3115
            throttled_usec:
              description:
                - For how many microseconds it was stopped, added up over CPUs, throttled_usec of C(cpu.stat), or
                  throttled_time of version 1.
              type: int
              sample: 98304551
        api:
          description: What the server answers.
          type: dict
          contains:
            url:
              description: Its address, as given.
              type: str
              sample: http://127.0.0.1:11434
            own:
              description:
                - Whether a process of the unit listens there. Where V(false), C(version) and C(models) are not read.
                - V(null) where nothing answered, or where it cannot be known, such as by a user who is not root, or
                  behind a proxy. Then RV(service.instances[].problems) says why.
              type: bool
              sample: true
            answered_by:
              description: Who listens there instead of the unit. V(null) where the unit does, or nobody is seen.
              type: str
              sample: python3 (PID 812, other.service)
            version:
              description: The release that runs, from C(/api/version).
              type: str
              sample: 0.34.1
            models:
              description: The models in memory, from C(/api/ps).
              type: list
              elements: dict
              contains:
                name:
                  description: The model's name.
                  type: str
                  sample: qwen3:8b
                digest:
                  description: The model's digest.
                  type: str
                  sample: 500a1f067a9f782620b40bee6f7b0c89e17ae61f686b92c24933e4ca4b2b8b41
                size_bytes:
                  description: The memory that it takes in all, as the server counts it.
                  type: int
                  sample: 6591830464
                size_vram_bytes:
                  description: The part of it on GPUs. V(0) means none, the same as C(size_bytes) means all.
                  type: int
                  sample: 6591830464
                context_length:
                  description: The context of each request in tokens. V(null) before 0.10.0.
                  type: int
                  sample: 8192
                expires_at:
                  description: When it is unloaded, as the server writes it. A year after 2300 is never.
                  type: str
                  sample: "2026-11-22T09:12:02.123456789Z"
        journal:
          description:
            - What the server logged since the unit's last start, from C(journalctl). V(null) in it means not logged, or
              no longer among the O(journal_lines).
            - Lines of requests are left out. What is missing of the start of the server, or of a runner that lives, is
              looked for around the moment in which that was started; where it is not there either,
              RV(service.instances[].problems) says so.
            - Keys from C(threads) to C(prompt_cache_mib) are of the last runner that was started.
          type: dict
          contains:
            server_config:
              description:
                - The settings that the server began with, from its line C(server config), as the server understood
                  them. Of C(LLAMA_ARG_*) it has only two.
              type: dict
              sample:
                OLLAMA_KEEP_ALIVE: 2562047h47m16.854775807s
            devices:
              description: What the server computes with, from its lines C(inference compute).
              type: list
              elements: dict
              contains:
                id:
                  description: The device's identifier, V(cpu) where it has no GPU.
                  type: str
                  sample: GPU-8f6b5a52-5c8e-4f0e-9f0e-2d0f6a4c1b7d
                library:
                  description: V(CUDA), V(ROCm), V(Vulkan) or V(cpu). In lower case up to 0.12.3.
                  type: str
                  sample: CUDA
                name:
                  description: The product's name.
                  type: str
                  sample: NVIDIA H200
                compute:
                  description: The compute capability or the instruction set.
                  type: str
                  sample: "9.0"
                driver:
                  description: The driver's release by the server's log, for NVIDIA the CUDA release that it supports.
                  type: str
                  sample: "13.0"
                pci_id:
                  description: The PCI address. V(null) before 0.12.4.
                  type: str
                  sample: "0000:03:00.0"
                total_bytes:
                  description: Its memory, rounded to a tenth of the unit that the server wrote.
                  type: int
                  sample: 150109945856
                available_bytes:
                  description: The free part of it, rounded in the same way.
                  type: int
                  sample: 149573074944
            starts:
              description: The runners that were started, the last 16, in their order.
              type: list
              elements: dict
              contains:
                command_line:
                  description: The command line, cut at blanks, without secrets.
                  type: list
                  elements: str
                  sample: [/usr/local/lib/ollama/llama-server, --model, /srv/models/blobs/sha256-0a]
                model:
                  description: The model's file.
                  type: str
                  sample: /srv/models/blobs/sha256-0a
                parameters:
                  description:
                    - From the command line, or from 0.11.5 to 0.24 from the request to load. V(null) for what it leaves
                      open.
                  type: dict
                  contains:
                    context_length:
                      description: The context of all requests together, in tokens.
                      type: int
                      sample: 8192
                    parallel:
                      description: How many requests at a time.
                      type: int
                      sample: 1
                    batch:
                      description: The logical batch in tokens.
                      type: int
                      sample: 512
                    ubatch:
                      description: The physical batch in tokens.
                      type: int
                      sample: 512
                    threads:
                      description: The number of threads.
                      type: int
                      sample: 14
                    gpu_layers:
                      description: How many layers are put on GPUs.
                      type: int
                      sample: 37
                    main_gpu:
                      description: The GPU that a model on one GPU is put on.
                      type: int
                      sample: 0
                    cache_type_k:
                      description: The type of the keys in the KV cache.
                      type: str
                      sample: q8_0
                    cache_type_v:
                      description: The type of the values in the KV cache.
                      type: str
                      sample: q8_0
                    load_mode:
                      description: V(none) for C(--no-mmap), V(dio) for C(--direct-io), or what follows C(--load-mode).
                      type: str
                      sample: none
                    split_mode:
                      description: How a model is split between GPUs.
                      type: str
                      sample: none
                    tensor_split:
                      description: The shares of the GPUs.
                      type: str
                      sample: "22,22,21"
                    flash_attention:
                      description: V(enabled), V(disabled) or V(auto).
                      type: str
                      sample: enabled
                threads:
                  description: As RV(service.instances[].journal.threads), of this start.
                  type: dict
                  sample: {used: 14, batch: 14, of: 56}
                kv_cache:
                  description: As RV(service.instances[].journal.kv_cache), of this start.
                  type: dict
                  sample: {bytes: 603979776, cells: 8192, k_type: q8_0, v_type: q8_0}
                flash_attention:
                  description: As RV(service.instances[].journal.flash_attention), of this start.
                  type: str
                  sample: enabled
                offloaded:
                  description: As RV(service.instances[].journal.offloaded), of this start.
                  type: dict
                  sample: {layers: 37, of: 37}
                load_mode:
                  description: As RV(service.instances[].journal.load_mode), of this start.
                  type: str
                  sample: mlock
                prompt_cache_mib:
                  description: As RV(service.instances[].journal.prompt_cache_mib), of this start.
                  type: int
                  sample: 8192
                warnings:
                  description:
                    - As RV(service.instances[].journal.warnings), of this start, with what the server said of the model
                      just before it. What another runner logged is not in it.
                  type: list
                  elements: dict
                  sample: []
                complete:
                  description:
                    - Whether the log has all lines of this start. V(false) where journald dropped some, by its limit of
                      messages, or where two runners were started at the same time, whose lines are mixed.
                  type: bool
                  sample: true
            threads:
              description:
                - The threads that the runner uses to generate, to read a prompt, and the CPUs of the host, from its
                  line C(n_threads). From 0.4 to 0.24 the first alone is logged.
              type: dict
              contains:
                used:
                  description: Threads that generate.
                  type: int
                  sample: 14
                batch:
                  description: Threads that read a prompt.
                  type: int
                  sample: 14
                of:
                  description: Logical CPUs of the host.
                  type: int
                  sample: 56
            kv_cache:
              description:
                - The KV cache of the context that has most, its caches added up, from lines C(llama_kv_cache),
                  C(KV self size) or C(kv cache). Types and cells are those of the largest.
              type: dict
              contains:
                bytes:
                  description: Its size, rounded as logged.
                  type: int
                  sample: 603979776
                cells:
                  description: Its length in tokens.
                  type: int
                  sample: 8192
                k_type:
                  description: The type of the keys.
                  type: str
                  sample: q8_0
                v_type:
                  description: The type of the values.
                  type: str
                  sample: q8_0
            flash_attention:
              description: As the runner logged it, V(enabled), V(disabled), or V(auto) where it logged no more.
              type: str
              sample: enabled
            offloaded:
              description: The layers on GPUs, from C(offloaded N/M layers to GPU).
              type: dict
              contains:
                layers:
                  description: Layers on GPUs.
                  type: int
                  sample: 37
                of:
                  description: Layers of the model.
                  type: int
                  sample: 37
            load_mode:
              description:
                - How the runner loaded the weights, from C(load_mode) in its log, or C(mmap) up to 0.32.5.
              type: str
              sample: mlock
            prompt_cache_mib:
              description:
                - The limit of the cache of prompts in the host's memory, in MiB. V(0) means disabled, V(-1) no limit.
              type: int
              sample: 8192
            warnings:
              description: The first 50 different warnings and errors.
              type: list
              elements: dict
              contains:
                code:
                  description:
                    - V(driver-too-old), V(no-parallel), V(invalid-value), V(overridden), V(visible-devices),
                      V(gpu-dropped), V(no-gpu), V(flash-attention), V(kv-cache-type), V(no-mmap), V(evicting),
                      V(mlock), V(out-of-memory), V(runner-ended), V(server-ended) or V(other).
                  type: str
                  sample: driver-too-old
                line:
                  description: The line without its time and secrets, cut to 400 characters.
                  type: str
                  sample: level=WARN source=cuda_compat.go:61 msg="NVIDIA driver too old" required_driver=570
        problems:
          description: What could not be read for this server, in sentences.
          type: list
          elements: str
          sample: ["/proc/4811/environ: cannot be read (Permission denied)"]
    problems:
      description: The same, for what concerns all of several servers.
      type: list
      elements: str
      sample: []
"""

import re
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.answers import whose_answer
from ansible_collections.inference.ollama.plugins.module_utils._service.api import check_url, fetcher
from ansible_collections.inference.ollama.plugins.module_utils._service.gather import PARTS, Host, Wanted, observe
from ansible_collections.inference.ollama.plugins.module_utils._service.no_answer import describe_no_answer
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._service.wait import Asked, Clock, wait
from ansible_collections.inference.ollama.plugins.module_utils._topology.options import OPTIONS, machine_of

URL = "http://127.0.0.1:11434"
# systemd.unit(5), the characters of a unit's name.
_UNIT = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_:.\\@-]{0,246}\.service")
_MOST_LINES = 100000
_LONGEST = 3600


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        **OPTIONS,
        "units": {
            "type": "list",
            "elements": "dict",
            "default": [{"unit": "ollama.service", "url": URL}],
            "options": {"unit": {"type": "str", "required": True}, "url": {"type": "str", "default": URL}},
        },
        "parts": {"type": "list", "elements": "str", "default": [*PARTS]},
        "journal_lines": {"type": "int", "default": 2000},
        "api_timeout": {"type": "float", "default": 3},
        "wait": {"type": "float", "default": 0},
        "require_answer": {"type": "bool", "default": False},
    }


def check(params: dict[str, Any]) -> None:
    """Raise OllamaError unless every option has an allowed value."""
    for entry in params["units"]:
        if _UNIT.fullmatch(entry["unit"]) is None:
            raise OllamaError(f"units: {entry['unit'][:80]!r} is not the name of a service such as ollama.service")
        check_url(entry["url"])
    for part in params["parts"]:
        if part not in PARTS:
            raise OllamaError(f"parts: {part[:80]!r} is not one of {', '.join(PARTS)}")
    if not 1 <= params["journal_lines"] <= _MOST_LINES:
        raise OllamaError(f"journal_lines: {params['journal_lines']} is not a number from 1 to {_MOST_LINES}")
    if not 0 < params["api_timeout"] <= _LONGEST:
        raise OllamaError(
            f"api_timeout: {params['api_timeout']:g} is not a number of seconds above 0 and up to {_LONGEST}"
        )

    if not 0 <= params["wait"] <= _LONGEST:
        raise OllamaError(f"wait: {params['wait']:g} is not a number of seconds from 0 to {_LONGEST}")


def read(params: dict[str, Any]) -> dict[str, Any]:
    check(params)
    root, run = machine_of(params)
    whose = whose_answer(root.path)
    host = Host(Proc(root.path), run, fetcher(params["api_timeout"]) if root.live else None, whose)
    units = [(entry["unit"], entry["url"]) for entry in params["units"]]
    if params["wait"] and host.run and host.fetch:
        wait(units, params["wait"], Asked(host.run, host.fetch, whose), Clock(time.monotonic, time.sleep))
    return observe(host, units, Wanted(tuple(params["parts"]), params["journal_lines"]))


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        service = read(module.params)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    silent = describe_no_answer(service) if module.params["require_answer"] else ""
    if silent:
        module.fail_json(msg=silent, service=service)
    module.exit_json(changed=False, service=service)


if __name__ == "__main__":
    main()
