//! The servers that can be measured: how each is configured and started.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

use crate::scenario::{Scenario, generation_path};

/// A server for one measurement.
pub(crate) struct Peer<'a> {
    /// What it is.
    pub(crate) kind: Kind<'a>,
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Its backend.
    pub(crate) upstream: SocketAddr,
    /// Where its files are.
    pub(crate) directory: &'a Path,
    /// Worker threads or processes.
    pub(crate) workers: u16,
}

/// What a server is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind<'a> {
    /// The gateway.
    Torana {
        /// Its program.
        program: &'a Path,
        /// What it does.
        scenario: Scenario,
        /// The component header-edit.
        plugin: &'a Path,
    },
    /// nginx as a plain reverse proxy.
    Nginx,
}

impl Peer<'_> {
    /// Writes the configuration, complete at any moment.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn configure(&self, generation: u64) -> io::Result<()> {
        let text = match self.kind {
            Kind::Torana { scenario, plugin, .. } => {
                scenario.config(self.listen, self.upstream, plugin, generation).to_string()
            }
            Kind::Nginx => self.nginx_config(generation),
        };
        let fresh = self.directory.join("fresh");
        fs::write(&fresh, text)?;
        fs::rename(fresh, self.config())
    }

    fn config(&self) -> PathBuf {
        self.directory.join(match self.kind {
            Kind::Torana { .. } => "krakend.json",
            Kind::Nginx => "nginx.conf",
        })
    }

    /// The command that starts it in the foreground.
    pub(crate) fn command(&self) -> Command {
        match self.kind {
            Kind::Torana { program, .. } => {
                let mut command = Command::new(program);
                command.arg("run").arg("-c").arg(self.config());
                command.env("TOKIO_WORKER_THREADS", self.workers.to_string());
                command
            }
            Kind::Nginx => {
                let mut command = Command::new("nginx");
                command.arg("-c").arg(self.config()).arg("-p").arg(self.directory);
                command.args(["-e", "stderr"]);
                command
            }
        }
    }

    fn nginx_config(&self, generation: u64) -> String {
        let Self { listen, upstream, workers, .. } = self;
        let directory = self.directory.display();
        let changed = generation_path(generation);
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {directory}/temporary;"))
            .concat();
        format!(
            r#"daemon off; worker_processes {workers}; pid {directory}/nginx.pid; error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; {temporary}
  keepalive_requests 1000000000; keepalive_timeout 600s;
  upstream backend {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  server {{
    listen {listen} backlog=4096;
    location / {{ proxy_pass http://backend; }}
    location = {changed} {{ proxy_pass http://backend/user; }}
  }}
}}
"#
        )
    }
}

/// An address that nobody uses now. The server binds it itself a moment later.
///
/// # Errors
/// All ports are taken.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Whether nginx is installed.
pub(crate) fn has_nginx() -> bool {
    Command::new("nginx").arg("-v").output().is_ok_and(|output| output.status.success())
}
