# What cannot be run here, for want of an engine and of virtual machines, is read by its own tools.
# shellcheck shell=bash source=deploy/trial/expect.bash
source /deploy/trial/expect.bash

cp -rL /deploy /tmp/read
cd /tmp/read/compose || exit
: >token.txt
expect 'Compose reads compose.yaml' docker-compose --file compose.yaml config --quiet
cd /tmp/read/vagrant || exit
mkdir -p ../../target/dist
expect 'Vagrant reads the Vagrantfile' vagrant validate --ignore-provider
