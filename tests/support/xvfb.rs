//! A display without a screen, and what is to be seen on it. Needs Debian's `xvfb` and `imagemagick`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Width and height of the screen.
pub const SCREEN: (usize, usize) = (1024, 768);

/// A running X server; it ends when dropped.
pub struct Xvfb {
    server: Child,
    /// For the environment variable `DISPLAY` of whoever is to draw on it.
    pub display: String,
}

impl Xvfb {
    /// Starts a server on a free display and waits until it answers. It goes on when its last client leaves: starting anew, as
    /// servers do otherwise, it would refuse whoever comes meanwhile.
    pub fn start() -> Xvfb {
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                &format!("{}x{}x24", SCREEN.0, SCREEN.1),
                "-nolisten",
                "tcp",
                "-noreset",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed: apt-get install xvfb");
        let mut number = String::new();
        let stdout = server.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut number).expect("Xvfb tells its display");
        Xvfb { server, display: format!(":{}", number.trim()) }
    }

    /// The colours of the whole [`SCREEN`], three bytes a pixel.
    pub fn screenshot(&self) -> Vec<u8> {
        let output = Command::new("import")
            .args(["-display", &self.display, "-window", "root", "-depth", "8", "rgb:-"])
            .output()
            .expect("ImageMagick is installed: apt-get install imagemagick");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout.len(), SCREEN.0 * SCREEN.1 * 3);
        output.stdout
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
