# Two commands: `make site` and `make test`. What they need they install into .venv.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# An inventory of your hosts; without one, this machine is planned for and nothing outside build/ is touched.
INVENTORY ?=
# HOST=me is this very machine, changed as the hosts of an inventory are; some shells have a HOST of their own, which does not count.
WANTED_HOST := $(if $(filter command line,$(origin HOST)),$(HOST))
# YES=1 confirms what the preview shows; without it you are asked.
YES ?=
# More arguments for ansible-playbook, such as ARGS="--check --diff --limit gpu*".
ARGS ?=
# Which steps of the tests to run, such as STEPS="lint units"; all of them without it.
STEPS ?=
# With which key of gpg `make dist` signs; nothing is signed without it.
SIGN_KEY ?=

export ANSIBLE_CONFIG := $(CURDIR)/playbooks/ansible.cfg
BUILD := $(CURDIR)/build
PLAYBOOK := .venv/bin/ansible-playbook
# What is wrong with these is refused before anything is installed.
this_host = HOST='$(WANTED_HOST)' INVENTORY='$(INVENTORY)' YES='$(YES)' tests/tools/this_host.sh

.PHONY: help setup site undo remove verify test docs dist bench clean

help:
	@echo "make site                     plan for this machine, render the files under build/staging, touch nothing else"
	@echo "make site HOST=me             tune this machine: a preview with every difference, then the question whether to do it (YES=1 confirms)"
	@echo "make undo HOST=me             take the last change of this machine back, in the same way"
	@echo "make verify HOST=me           prove on the running processes that this machine obeys the plan"
	@echo "make remove HOST=me           take away all that was written on this machine"
	@echo "make site INVENTORY=hosts.yml tune the hosts of the group 'ollama' in that inventory"
	@echo "make test                     run all tests; STEPS='lint units' runs some (tests/run.sh names them)"
	@echo "make docs                     build the documentation as a site, build/docsite/html/index.html"
	@echo "make dist                     build a release into build/release: artefact, bill of materials, checksums; SIGN_KEY=... signs it"
	@echo "make bench                    CPU for 1,000 plans, and for reading this host beside ansible.builtin.setup (ROUNDS=7);"
	@echo "                              CPU of the load generator, and how true its figures are;"
	@echo "                              as root also a runner's speed beside busy programs"
	@echo "make setup                    install the tools into .venv"
	@echo "make clean                    remove build/ and .venv"

setup:
	@tests/tools/setup.sh site

site: $(if $(WANTED_HOST),,setup)
ifneq ($(WANTED_HOST),)
	@$(this_host) site $(ARGS)
else ifeq ($(strip $(INVENTORY)),)
	@$(PLAYBOOK) -i playbooks/inventory/localhost.yml playbooks/site.yml \
	  -e ollama_staging_root=$(BUILD)/staging -e ollama_plan_folder=$(BUILD)/plans $(ARGS)
	@echo "The plan:  build/plans/localhost.plan.json   (facts: localhost.topology.json, picture: localhost.topology.svg)"
	@echo "The files: build/staging/etc/systemd/system/ollama.service.d/override.conf"
else
	$(PLAYBOOK) -i $(INVENTORY) playbooks/site.yml -e ollama_plan_folder=$(BUILD)/plans $(ARGS)
	@echo "The plans: build/plans/"
endif

undo remove verify:
	@$(this_host) $@ $(ARGS)

test:
	@tests/tools/setup.sh test
	@tests/run.sh $(STEPS)

docs:
	@tests/tools/setup.sh test
	@tests/tools/docsite.sh $(BUILD)/docsite

dist:
	@tests/tools/setup.sh test
	@SIGN_KEY=$(SIGN_KEY) tests/tools/dist.sh $(BUILD)/release

bench:
	@tests/tools/setup.sh test
	@.venv/bin/python tests/tools/bench_plans.py
	@.venv/bin/python tests/tools/bench.py
	@.venv/bin/python tests/tools/bench_load.py --json $(BUILD)/bench_load.json
	@.venv/bin/python tests/tools/bench_gateway.py --json $(BUILD)/bench_gateway.json
	@.venv/bin/python tests/tools/bench_neighbours.py

clean:
	rm -rf build .venv .cache
