//! Callers' addresses behind nginx, Debian's own, as a process of the test's.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use defect_host_tests::{HostFolder, TestHost};

/// The configuration that docs/operations.md shows, on a port of this test's: `{host}` is the service's address.
const NGINX: &str = r#"
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path temp_body;
  proxy_temp_path temp_proxy;
  fastcgi_temp_path temp_fastcgi;
  uwsgi_temp_path temp_uwsgi;
  scgi_temp_path temp_scgi;
  server {
    listen 127.0.0.1:{inner};
    location / {
      proxy_pass http://{host};
      proxy_set_header Host $host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header Forwarded "$http_forwarded, for=\"$remote_addr:$remote_port\";secret=\"a b,c\"";
    }
  }
  # A second proxy before the first.
  server {
    listen 127.0.0.1:{outer};
    location / {
      proxy_bind 127.0.0.3;
      proxy_pass http://127.0.0.1:{inner};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
"#;

/// A host, and nginx before it.
struct Proxied {
    nginx: Child,
    inner: u16,
    outer: u16,
    host: TestHost,
}

impl Proxied {
    fn start(service: &str) -> Self {
        let host = HostFolder::faulty_with(service, "").start();
        let [inner, outer] = free_ports();
        let ports = NGINX.replace("{inner}", &inner.to_string()).replace("{outer}", &outer.to_string());
        host.folder().write("nginx.conf", ports.replace("{host}", host.address()));
        let program = if Command::new("nginx").arg("-v").output().is_ok() { "nginx" } else { "/usr/sbin/nginx" };
        let mut command = Command::new(program);
        command.args(["-p", ".", "-e", "error.log", "-c", "nginx.conf", "-g", "master_process off;"]);
        command.current_dir(host.folder().path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut nginx = command.spawn().expect("nginx is installed: Debian's nginx-light");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, outer));
        while TcpStream::connect(address).is_err() {
            if let Some(status) = nginx.try_wait().unwrap() {
                panic!("nginx ended with {status}: {}", host.folder().read("error.log"));
            }
            std::thread::yield_now();
        }
        Self { nginx, inner, outer, host }
    }

    /// What the log says of a request by curl from 127.0.0.2 with forged headers, to this port.
    fn logged(&self, port: u16, path: &str) -> String {
        let status = curl("127.0.0.2", &format!("http://127.0.0.1:{port}{path}"), "tester:correct horse");
        assert_eq!(status, "404");
        self.host.wait_for_log(&format!("{path} 404"))
    }
}

impl Drop for Proxied {
    fn drop(&mut self) {
        let _ = self.nginx.kill();
        let _ = self.nginx.wait();
    }
}

/// Two ports that nobody has.
fn free_ports() -> [u16; 2] {
    let taken = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    taken.map(|listener| listener.local_addr().unwrap().port())
}

/// The status of a GET from this address of the machine.
fn curl(from: &str, url: &str, user: &str) -> String {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--noproxy", "*", "--interface", from, "-u", user, "-o", "/dev/null", "-w", "%{http_code}"]);
    for forged in
        ["X-Real-IP: 6.6.6.6", "X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6;secret=guess, for=\"6.6.6.6"]
    {
        curl.args(["-H", forged]);
    }
    let output = curl.arg(url).output().expect("curl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn assert_from(line: &str, address: &str) {
    let addresses: Vec<_> =
        ["127.0.0.1", "127.0.0.2", "127.0.0.3", "6.6.6.6"].into_iter().filter(|a| line.contains(a)).collect();
    assert_eq!(addresses, [address], "{line}");
}

#[test]
fn the_configured_header_of_nginx_is_believed_and_the_callers_own_are_not() {
    for (keys, said) in [
        ("real_ip_header = \"X-Real-IP\"", "`x-real-ip` on connections from 127.0.0.0/8, "),
        ("proxies_count = 1", "entry 1 from the end of `x-forwarded-for` on connections from 127.0.0.0/8, "),
        ("forwarded_secret = \"a b,c\"", "the element of `forwarded` with the secret; else the connection's"),
    ] {
        let proxied = Proxied::start(keys);
        proxied.host.wait_for_log(&format!("callers' addresses: {said}"));
        assert_from(&proxied.logged(proxied.inner, "/through-nginx"), "127.0.0.2");
    }
}

#[test]
fn of_two_proxies_each_adds_to_the_list() {
    let proxied = Proxied::start("proxies_count = 2");
    assert_from(&proxied.logged(proxied.outer, "/through-both"), "127.0.0.2");
}

#[test]
fn without_a_key_about_proxies_their_headers_mean_nothing() {
    let proxied = Proxied::start("");
    proxied.host.wait_for_log("callers' addresses: the connection's");
    assert_from(&proxied.logged(proxied.inner, "/through-nginx"), "127.0.0.1");
}

#[test]
fn headers_of_a_proxy_that_is_not_trusted_are_ignored_and_the_log_says_so_once() {
    let proxied = Proxied::start("real_ip_header = \"X-Real-IP\"\ntrusted_proxies = [\"127.0.0.9\", \"10.0.0.0/8\"]");
    let first = proxied.logged(proxied.inner, "/first");
    let warning = "WARNING: `x-real-ip` on a connection from 127.0.0.1 is ignored";
    proxied.host.wait_for_log(warning);
    assert_from(&first, "127.0.0.1");
    assert_from(&proxied.logged(proxied.inner, "/second"), "127.0.0.1");
    assert_eq!(proxied.host.log().matches(warning).count(), 1);
}
