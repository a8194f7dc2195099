# SPDX-License-Identifier: Apache-2.0
"""Which libraries may be loaded, by whom they are searched for, and what is said about it."""

import errno
import os
import shutil
import subprocess
import unittest

import harness
from harness import DLOPEN, LIBRARIES, SHIM, Case, denied, denied_load, probe

AUDIT = "AUTONOMY_PRELOAD_DLOPEN_AUDIT"
HAS_NAMESPACES = harness.LIBC != "musl"
needs_namespaces = harness.needs(HAS_NAMESPACES, "musl has no dlmopen")
needs_caller_search = harness.needs(HAS_NAMESPACES, "musl does not look at the caller")


def audited(path, result, flags=1):
    return (f'autonomy-preload-audit: dlopen(filename="{path}", flags=0x{flags:x}, '
            f"result={result})")


class Libraries(Case):
    """A directory with plug/libplug.so, and its callers in lib/."""

    def setUp(self):
        super().setUp()
        self.plug = self.copy("plug.so", "plug/libplug.so")
        self.copy("rpath.so", "lib/librpath.so")
        self.copy("runpath.so", "lib/librunpath.so")

    def copy(self, built, name):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        return shutil.copy(f"{LIBRARIES}-{built}", self.path(name))

    def load(self, *arguments, allow=None, audit=False, extra=None, **settings):
        variables = dict(extra or {})
        if allow is not None:
            variables[DLOPEN] = allow
        if audit:
            variables[AUDIT] = "1"
        return probe(*arguments, extra=variables, **settings)

    def assert_loaded(self, run, path):
        self.assertEqual(run.value("object"), path, str(run))
        self.assertEqual(run.status, 0, str(run))

    def assert_load_refused(self, run, *lines):
        """NULL, EPERM, one dlerror() to read, and exactly these lines."""
        self.assert_returned(run, -1, errno.EPERM)
        self.assertIn(f"denied by {DLOPEN}", run.output[0], str(run))
        self.assertTrue(run.output[0].startswith("dlerror="), str(run))
        self.assertEqual(run.value("dlerror-again"), "(null)")
        self.assertEqual(run.errors, list(lines), str(run))


class Gate(Libraries):
    def test_a_listed_file_loads(self):
        run = self.load("dlopen", self.plug, allow=self.plug)
        self.assert_loaded(run, self.plug)
        self.assert_silent(run)

    def test_an_unlisted_file_is_denied(self):
        run = self.load("dlopen", self.plug, allow="/opt/other.so")
        self.assert_load_refused(run, denied_load(self.plug))

    def test_none_denies_all(self):
        self.assert_load_refused(self.load("dlopen", self.plug, allow="none"),
                                 denied_load(self.plug))
        self.assert_load_refused(self.load("dlopen", "libplug.so", allow="none"),
                                 denied_load("libplug.so"))

    def test_an_empty_list_is_no_gate(self):
        run = self.load("dlopen", self.plug, allow="")
        self.assert_loaded(run, self.plug)
        self.assert_silent(run)

    def test_a_trailing_colon_is_tolerated(self):
        run = self.load("dlopen", self.plug, allow=f"/opt/other.so:{self.plug}:")
        self.assert_loaded(run, self.plug)
        self.assert_silent(run)

    def test_the_program_itself_passes_unaudited(self):
        for call in (["dlopen-null"], ["dlopen", ""]):
            with self.subTest(call):
                plain = self.load(*call, shim=False)
                run = self.load(*call, allow="none", audit=True)
                self.assertEqual(run.output, plain.output)
                self.assert_silent(run)

    def test_every_denial_has_its_line(self):
        run = self.load("repeat", 50, "dlopen", self.plug, allow="none")
        self.assertEqual(run.errors, [denied_load(self.plug)] * 50)

    def test_a_symlink_to_a_listed_file_loads(self):
        os.symlink(self.plug, self.path("link.so"))
        run = self.load("dlopen", self.path("link.so"), allow=self.plug)
        self.assert_loaded(run, self.path("link.so"))
        self.assert_silent(run)

    def test_a_listed_symlink_stands_for_its_file(self):
        os.symlink("plug", self.path("alias"))
        entry = self.path("alias/libplug.so")
        for name in (self.plug, entry):
            with self.subTest(name):
                self.assert_loaded(self.load("dlopen", name, allow=entry), name)

    def test_a_listed_name_that_leads_elsewhere_by_now_is_denied(self):
        self.copy("plug.so", "plug/other.so")
        for name in (self.path("entry.so"), "entry.so"):
            os.symlink(self.plug, self.path("entry.so"))
            with self.subTest(name), subprocess.Popen(
                harness.command("wait-between", "repeat", 2, "dlopen", name),
                env=harness.environment(extra={DLOPEN: self.path("entry.so")}),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            ) as process:
                for _ in range(3):
                    first = process.stdout.readline()
                os.unlink(self.path("entry.so"))
                os.symlink("plug/other.so", self.path("entry.so"))
                out, err = process.communicate("\n", timeout=harness.TIMEOUT_S)
                self.assertEqual(first, "result=1 errno=0\n")
                self.assertIn("result=-1", out)
                self.assertEqual(err.splitlines(), [denied_load(name)])
            os.unlink(self.path("entry.so"))

    def test_a_listed_file_that_is_made_later_loads(self):
        later = self.path("plug/later.so")
        with subprocess.Popen(
            harness.command("wait-between", "repeat", 2, "dlopen", later),
            env=harness.environment(extra={DLOPEN: later}),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:
            lines = [process.stdout.readline() for _ in range(3)]
            shutil.copy(self.plug, later)
            out, err = process.communicate("\n", timeout=harness.TIMEOUT_S)
        self.assertTrue(lines[2].startswith("result=-1"), lines)
        self.assertIn(f"object={later}\n", out)
        self.assertEqual(err, "")

    def test_a_relative_name_is_judged_by_its_file(self):
        run = self.load("chdir", self.directory, "dlopen", "plug/libplug.so", allow=self.plug)
        self.assert_returned(run, 1)
        run = self.load("chdir", self.directory, "dlopen", "./plug/libplug.so", allow="none")
        self.assert_load_refused(run, denied_load("./plug/libplug.so"))

    def test_a_missing_file_fails_as_without_the_shim(self):
        for name in ("missing.so", "plug/libplug.so/x.so"):
            with self.subTest(name):
                plain = self.load("dlopen", self.path(name), shim=False)
                run = self.load("dlopen", self.path(name), allow=self.plug)
                self.assertTrue(run.output[-1].startswith("result=-1"), str(run))
                self.assertIn(self.path(name), run.output[0])
                self.assert_silent(run)
                if harness.LIBC != "musl":
                    self.assertEqual(run.output, plain.output)

    def test_a_directory_and_a_device_are_denied(self):
        for path in (self.directory, "/dev/null"):
            with self.subTest(path):
                self.assert_load_refused(self.load("dlopen", path, allow=self.plug),
                                         denied_load(path))

    def test_a_name_that_is_too_long_fails_readably(self):
        run = self.load("dlopen-long", 5000, allow=self.plug)
        self.assert_returned(run, -1, errno.ENAMETOOLONG)
        self.assertIn("too long", run.output[0])
        self.assert_silent(run)

    def test_a_path_of_the_greatest_length_is_denied_readably(self):
        deep = self.directory
        while len(deep) < 3800:
            deep += "/" + "d" * 100
        os.makedirs(deep)
        run = self.load("dlopen", shutil.copy(self.plug, deep), allow=self.plug)
        self.assert_returned(run, -1, errno.EPERM)
        self.assertTrue(run.output[0].startswith("dlerror=") and "(null)" not in run.output[0])
        self.assertEqual(len(run.errors), 1)

    def test_a_line_cannot_be_forged_by_a_name(self):
        forged = shutil.copy(self.plug, self.path("x\nautonomy-preload: forged"))
        run = self.load("dlopen", forged, allow="none")
        self.assertEqual(run.errors, [denied_load(forged.replace("\n", "\\x0a"))], str(run))

    @harness.needs_root
    @harness.needs_native
    def test_it_works_without_proc(self):
        run = self.load("hide-proc", "dlopen", self.plug, allow=self.plug)
        self.assert_loaded(run, self.plug)
        run = self.load("hide-proc", "dlopen", self.plug, allow="/opt/other.so")
        self.assert_load_refused(run, denied_load(self.plug))

    def test_a_list_of_a_thousand_entries_holds_its_last(self):
        entries = [self.path(f"plug/lib{i}.so") for i in range(999)] + [self.plug]
        self.assert_loaded(self.load("dlopen", self.plug, allow=":".join(entries)), self.plug)
        run = self.load("dlopen", self.plug, allow=":".join(entries[:-1]))
        self.assert_load_refused(run, denied_load(self.plug))

    def test_a_list_whose_entries_lead_to_long_paths_is_held(self):
        """The first guess of how much room they take is too small."""
        deep = self.path("d" * 200)
        deep = os.path.join(deep, "e" * 200, "f" * 200)
        os.makedirs(deep)
        os.symlink(deep, self.path("s"))
        names = [f"lib{i}.so" for i in range(40)]
        for name in names:
            shutil.copy(self.plug, os.path.join(deep, name))
        allow = ":".join(os.path.join(self.path("s"), name) for name in names)
        for name in (names[0], names[-1]):
            path = os.path.join(deep, name)
            self.assert_loaded(self.load("dlopen", path, allow=allow), path)

    def test_threads_share_the_first_call(self):
        run = self.load("dlopen-threads", self.plug,
                        allow=":".join([self.plug] + [f"/opt/lib{i}.so" for i in range(500)]))
        self.assert_returned(run, 0)
        self.assert_silent(run)

    def test_a_malformed_entry_is_skipped_with_one_warning(self):
        run = self.load("dlopen", self.plug, allow=f"plug.so:{self.plug}")
        self.assert_loaded(run, self.plug)
        self.assertEqual(run.errors,
                         [f'autonomy-preload: {DLOPEN}: skipped 1 malformed, first "plug.so"'])

    def test_the_list_at_start_stays_in_force(self):
        run = self.load("setenv", f"{DLOPEN}={self.plug}", "dlopen", self.plug, allow="none")
        self.assert_load_refused(run, denied_load(self.plug))

    def test_another_librarys_constructor_is_gated_already(self):
        for allow, expected in ((self.plug, "1"), ("none", "0")):
            with self.subTest(allow):
                run = self.load("dlopen-null", allow=allow, extra={
                    "LD_PRELOAD": f"{SHIM}:{harness.EARLY}", "EARLY_DLOPEN": self.plug})
                self.assertEqual(run.value("early"), expected, str(run))
                self.assertEqual(run.errors, [] if expected == "1" else [denied_load(self.plug)])

    @unittest.skipUnless(os.path.exists(f"{LIBRARIES}-dlerror"), "no C++ program for this libc")
    def test_a_cpp_program_can_make_a_string_of_dlerror(self):
        run = subprocess.run([f"{LIBRARIES}-dlerror", self.plug, "libplug.so"],
                             env=harness.environment(extra={DLOPEN: "none"}), check=True,
                             capture_output=True, text=True)
        self.assertEqual(run.stdout.count(f"denied by {DLOPEN}"), 2, run.stdout)


    def test_other_denials_leave_a_pending_dlerror_alone(self):
        run = self.load("dlopen-pending", self.path("missing.so"), "/bin/sh", allow=self.plug,
                        exec_list="/opt/x", connect_list="none")
        self.assertIn(self.path("missing.so"), run.output[0], str(run))
        self.assertEqual(run.errors, [denied("execve", "/bin/sh")])

    @harness.needs(not HAS_NAMESPACES, "musl only")
    def test_a_dlmopen_that_libc_does_not_have_fails_readably(self):
        for settings in ({}, {"allow": self.plug}, {"audit": True}):
            with self.subTest(settings):
                run = self.load("dlmopen", 0, self.plug, **settings)
                self.assert_returned(run, -1, errno.ENOSYS)
                self.assertIn("no dlmopen in this libc", run.output[0])


class BareName(Libraries):
    """The list picks the file."""

    def test_the_first_existing_entry_of_that_name_is_loaded(self):
        second = self.copy("plug.so", "second/libplug.so")
        allow = f"{self.path('none/libplug.so')}:{second}:{self.plug}"
        run = self.load("dlopen", "libplug.so", allow=allow)
        self.assert_loaded(run, second)
        self.assert_silent(run)

    def test_no_search_path_has_a_say(self):
        other = self.copy("plug.so", "other/libplug.so")
        run = self.load("dlopen", "libplug.so", allow=self.plug,
                        extra={"LD_LIBRARY_PATH": os.path.dirname(other)})
        self.assert_loaded(run, self.plug)

    def test_an_unlisted_name_is_denied_wherever_it_could_be_found(self):
        run = self.load("dlopen", "libplug.so", allow="/opt/libother.so",
                        extra={"LD_LIBRARY_PATH": os.path.dirname(self.plug)})
        self.assert_load_refused(run, denied_load("libplug.so"))

    def test_a_part_of_a_listed_name_is_denied(self):
        for name in ("plug.so", "libplug.so.1", "libplug"):
            with self.subTest(name):
                self.assert_load_refused(self.load("dlopen", name, allow=self.plug),
                                         denied_load(name))


class Caller(Libraries):
    """The loader searches by the object that calls."""

    POLICIES = {"unset": {}, "audit": {"audit": True}, "enforce": {"allow": "PLUG"},
                "both": {"audit": True, "allow": "PLUG"}}

    def by_caller(self, kind, name, shim=True, extra=None, **policy):
        preload = [SHIM] if shim else []
        preload.append(self.path(f"lib/lib{kind}.so"))
        if policy.get("allow") == "PLUG":
            policy["allow"] = self.plug
        return self.load("dlopen-by", name, extra={"LD_PRELOAD": ":".join(preload), **(extra or {})},
                         **policy)

    @needs_caller_search
    def test_rpath_runpath_and_origin_keep_working(self):
        for kind in ("rpath", "runpath"):
            for name in ("libplug.so", "$ORIGIN/../plug/libplug.so", "${ORIGIN}/../plug/libplug.so"):
                plain = self.by_caller(kind, name, shim=False)
                self.assertEqual(plain.output[-1], "result=1 errno=0", str(plain))
                for policy, settings in self.POLICIES.items():
                    with self.subTest(kind=kind, name=name, policy=policy):
                        run = self.by_caller(kind, name, **settings)
                        self.assertEqual(run.output[-1], "result=1 errno=0", str(run))
                        self.assertEqual(os.path.realpath(run.value("object")), self.plug)
                        if policy in ("unset", "audit"):
                            self.assertEqual(run.output, plain.output)
                        self.assertEqual(
                            run.errors,
                            [audited(self.plug, "loaded")] if "audit" in settings else [])

    @needs_caller_search
    def test_audit_takes_the_order_of_search_paths_from_the_loader(self):
        self.copy("plug.so", "other/libplug.so")
        extra = {"LD_LIBRARY_PATH": self.path("missing") + ":" + self.path("other")}
        for kind, found in (("rpath", "plug"), ("runpath", "other")):
            with self.subTest(kind):
                plain = self.by_caller(kind, "libplug.so", shim=False, extra=extra)
                run = self.by_caller(kind, "libplug.so", audit=True, extra=extra)
                self.assertEqual(run.output, plain.output)
                self.assertIn(f"/{found}/libplug.so", run.value("object"))

    def finds_likewise(self, library_path, found):
        """As the loader does by itself."""
        extra = {"LD_LIBRARY_PATH": library_path}
        plain = self.by_caller("runpath", "libplug.so", shim=False, extra=extra)
        run = self.by_caller("runpath", "libplug.so", audit=True, extra=extra)
        self.assertEqual(run.output, plain.output)
        self.assertIn(f"/{found}/libplug.so", run.value("object"))

    @needs_caller_search
    def test_audit_passes_over_a_file_of_another_machine(self):
        os.makedirs(self.path("other"))
        for at, other in ((18, b"\xff\x00"), (4, b"\x01")):
            with open(self.plug, "rb") as file:
                content = bytearray(file.read())
            content[at : at + len(other)] = other
            with open(self.path("other/libplug.so"), "wb") as file:
                file.write(content)
            with self.subTest(at):
                self.finds_likewise(self.path("other"), "plug")

    @needs_caller_search
    def test_audit_takes_a_semicolon_between_search_paths(self):
        self.copy("plug.so", "other/libplug.so")
        self.finds_likewise(self.path("missing") + ";" + self.path("other"), "other")

    @needs_caller_search
    def test_audit_takes_no_directory_that_only_reads_like_the_loaders(self):
        self.copy("plug.so", "$LIB/libplug.so")
        self.finds_likewise(self.path("$LIB"), "plug")

    @needs_caller_search
    def test_audit_takes_an_empty_search_path_for_the_working_directory(self):
        other = self.copy("plug.so", "other/libplug.so")
        run = self.load("chdir", os.path.dirname(other), "dlopen-by", "libplug.so", audit=True,
                        extra={"LD_PRELOAD": f"{SHIM}:{self.path('lib/librunpath.so')}",
                               "LD_LIBRARY_PATH": self.path("missing") + ":"})
        self.assertEqual(run.errors, [audited(other, "loaded")])

    @needs_caller_search
    def test_a_library_that_is_loaded_under_that_name_wins(self):
        other = self.copy("plug.so", "other/libplug.so")
        preload = [self.path("lib/librunpath.so"), other]
        for shim in ([], [SHIM]):
            run = self.load("dlopen-by", "libplug.so", audit=True,
                            extra={"LD_PRELOAD": ":".join(shim + preload),
                                   "LD_LIBRARY_PATH": self.path("other")})
            self.assert_loaded(run, other)

    @needs_caller_search
    def test_a_library_goes_with_the_last_that_closes_it(self):
        """One that libc brings along has a name of its own, by which it is found a second time."""
        for kind in ("rpath", "runpath"):
            for shim in ([], [SHIM]):
                preload = shim + [self.path(f"lib/lib{kind}.so")]
                run = self.load("dlopen-by-and-close", "libBrokenLocale.so.1", audit=True,
                                extra={"LD_PRELOAD": ":".join(preload),
                                       "LD_LIBRARY_PATH": harness.LIBDIR or ""})
                self.assert_returned(run, 0)

    @needs_caller_search
    def test_an_origin_that_leads_to_an_unlisted_file_is_denied(self):
        run = self.by_caller("runpath", "$ORIGIN/../plug/libplug.so", allow="/opt/other.so")
        self.assert_load_refused(run, denied_load("$ORIGIN/../plug/libplug.so"))

    @needs_caller_search
    def test_a_name_that_the_loader_would_change_is_denied(self):
        """The literal path leads to a listed file, the loader's reading of it elsewhere."""
        for token in ("$LIB", "${LIB}", "$PLATFORM"):
            with self.subTest(token):
                os.makedirs(self.path(token), exist_ok=True)
                link = self.path(f"{token}/libplug.so")
                os.symlink(self.plug, link)
                self.assert_load_refused(self.load("dlopen", link, allow=self.plug),
                                         denied_load(link))
                self.assert_load_refused(self.load("dlopen", "libplug.so", allow=link),
                                         denied_load("libplug.so"))


class Audit(Libraries):
    def test_a_loaded_file_has_one_line(self):
        run = self.load("dlopen", self.plug, audit=True)
        self.assert_loaded(run, self.plug)
        self.assertEqual(run.errors, [audited(self.plug, "loaded")])

    def test_a_loaded_bare_name_is_told_by_its_absolute_path(self):
        run = self.load("dlopen", "libplug.so", audit=True,
                        extra={"LD_LIBRARY_PATH": os.path.dirname(self.plug)})
        self.assertEqual(run.errors, [audited(self.plug, "loaded")])

    def test_a_loaded_path_is_told_in_its_shortest_form(self):
        os.symlink("libplug.so", self.path("plug/link.so"))
        for name in ("plug/../plug/link.so", "./plug//link.so", "plug/./link.so"):
            for asked in (name, os.path.join(self.directory, name)):
                with self.subTest(asked):
                    run = self.load("chdir", self.directory, "dlopen", asked, audit=True)
                    self.assertEqual(run.errors,
                                     [audited(self.path("plug/link.so"), "loaded")])

    def test_a_file_that_is_loaded_by_another_name_is_told_by_the_one_asked_for(self):
        """A list made of these lines lets both load."""
        other = self.path("plug/other.so")
        os.link(self.plug, other)
        run = self.load("dlopen-twice", self.plug, other, audit=True)
        self.assertEqual(run.errors, [audited(self.plug, "loaded"), audited(other, "loaded")])
        run = self.load("dlopen-twice", self.plug, other, allow=f"{self.plug}:{other}")
        self.assert_silent(run)

    @harness.needs_native
    def test_a_program_that_a_constructor_starts_leaves_the_line_alone(self):
        run = self.load("dlopen", self.plug, audit=True, extra={"PLUG_PROGRAM": harness.TARGET})
        self.assertEqual(run.values("argv"), [harness.TARGET], str(run))
        self.assertEqual(run.errors, [audited(self.plug, "loaded")])

    def test_a_failed_load_is_told_by_the_name_asked_for(self):
        for name in ("libnowhere.so", self.path("missing.so")):
            with self.subTest(name):
                plain = self.load("dlopen", name, shim=False)
                run = self.load("dlopen", name, audit=True)
                self.assertEqual(run.output[:2], plain.output[:2])
                self.assertEqual(run.errors, [audited(name, "load_failed")])

    def test_a_broken_file_is_a_failed_load_though_it_is_listed(self):
        broken = self.path("broken.so")
        with open(broken, "wb") as file:
            file.write(b"x" * 200)
        run = self.load("dlopen", broken, audit=True, allow=broken)
        self.assertEqual(run.errors, [audited(broken, "load_failed")])

    def test_a_denied_load_has_both_lines(self):
        run = self.load("dlopen", self.plug, audit=True, allow="none")
        self.assert_load_refused(run, audited(self.plug, "denied"), denied_load(self.plug))

    def test_the_flags_are_those_of_the_call(self):
        run = self.load("dlopen-flags", "0x102", self.plug, audit=True)
        self.assertEqual(run.errors, [audited(self.plug, "loaded", 0x102)])

    def test_what_is_asked_for_without_loading_has_failed(self):
        run = self.load("dlopen-flags", "0x5", self.plug, audit=True)
        self.assertEqual(run.errors, [audited(self.plug, "load_failed", 5)])

    def test_nothing_is_said_without_audit(self):
        self.assert_silent(self.load("dlopen", self.plug))

    def test_the_lists_and_the_audit_reach_children(self):
        run = self.load("clearenv", "execve", harness.TARGET, allow=self.plug, audit=True)
        self.assertIn(f"{DLOPEN}={self.plug}", run.values("env"))
        self.assertIn(f"{AUDIT}=1", run.values("env"))


class Race(Libraries):
    def test_a_name_that_another_thread_changes_loads_no_unlisted_file(self):
        listed = self.copy("plug.so", "plug/a.so")
        unlisted = self.copy("plug.so", "plug/b.so")
        rounds = 40000 if not harness.EMULATED else 400
        run = self.load("race-dlopen", listed, unlisted, rounds, allow=listed,
                        stderr=subprocess.DEVNULL)
        self.assert_returned(run, 0)
        # The emulator may give the other thread no turn in so few rounds.
        if not harness.EMULATED:
            self.assertGreater(int(run.value("loaded")), 0, str(run))


if __name__ == "__main__":
    harness.enter_network()
    harness.main()
