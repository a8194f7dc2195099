# SPDX-License-Identifier: Apache-2.0
"""What is tried against which layers, how it must end, and how the results are shown."""
