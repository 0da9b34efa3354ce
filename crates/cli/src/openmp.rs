//! How long libtorch's threads spin for their next piece of work before they sleep, where a network learns.
//!
//! libtorch computes on threads of libgomp, which spin for some milliseconds before they sleep: what is fastest where a program has the machine
//! for itself. Two of them at once on the same cores spend their time waiting for threads that the other keeps from running: five times as
//! long together as one after the other. What judges takes fewer threads then (`osteon_model::Sharing`); what learns must not, since how many threads add up
//! a gradient may decide its last bit. libgomp reads how long to spin from its environment, when it is loaded. So `train` and `sweep` set it and
//! begin anew, before anything of libtorch has run: a few milliseconds.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
const SPINS: &std::ffi::CStr = c"GOMP_SPINCOUNT=1000";

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(
    unsafe_code,
    reason = "runs before main and before any library is set up, by the C library's raw calls"
)]
mod before {
    use std::ffi::{CStr, c_char, c_int};
    use std::ptr;

    use super::SPINS;

    /// Variables at most; with more the program goes on as it was started.
    const MOST: usize = 4096;
    /// The commands whose network learns.
    const LEARN: [&CStr; 2] = [c"train", c"sweep"];
    /// By whichever of these a person has said how to wait, it stays.
    const SAID: [&CStr; 2] = [c"GOMP_SPINCOUNT=", c"OMP_WAIT_POLICY="];

    type Strings = *const *const c_char;

    /// The dynamic linker calls this before the initialisers of all libraries, libgomp's among them.
    #[used]
    #[unsafe(link_section = ".preinit_array")]
    static BEFORE: extern "C" fn(c_int, Strings, Strings) = begin_anew;

    #[expect(
        clippy::large_stack_arrays,
        reason = "before the C library has begun there is no heap"
    )]
    extern "C" fn begin_anew(given: c_int, arguments: Strings, environment: Strings) {
        let mut changed = [ptr::null::<c_char>(); MOST + 2];
        // SAFETY: the linker hands over arguments and environment as the system laid them out: arrays of C strings that end with null.
        // `changed` has room for all of them, the one that is added and the null that ends it. The program is named by the system itself;
        // `execve` either replaces this process or changes nothing.
        unsafe {
            let learns = |command| {
                LEARN
                    .iter()
                    .any(|name| libc::strcmp(command, name.as_ptr()) == 0)
            };
            if given < 2 || !learns(*arguments.add(1)) {
                return;
            }
            let mut count = 0;
            while !(*environment.add(count)).is_null() {
                let variable = *environment.add(count);
                let is_said = SAID
                    .iter()
                    .any(|name| libc::strncmp(variable, name.as_ptr(), name.count_bytes()) == 0);
                if is_said || count == MOST {
                    return;
                }
                changed[count] = variable;
                count += 1;
            }
            changed[count] = SPINS.as_ptr();
            // 0 where the dynamic linker itself was started, with the program as its argument: then this program is not what would run.
            if libc::getauxval(libc::AT_BASE) == 0 {
                return;
            }
            let mut program = [0; libc::PATH_MAX as usize];
            let room = program.len() - 1;
            let length = libc::readlink(c"/proc/self/exe".as_ptr(), program.as_mut_ptr(), room);
            if length > 0 && (length as usize) < room {
                libc::execve(program.as_ptr(), arguments, changed.as_ptr());
            }
        }
    }
}
