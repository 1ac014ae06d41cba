#!/bin/sh
# Not used: init.sh does it all.
