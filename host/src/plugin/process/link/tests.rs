use super::*;

/// A process that says whatever it is told to, and what the host makes of it.
struct Echo {
    link: Arc<Link>,
    /// Where its program is in its memory.
    program: u64,
}

impl Echo {
    fn start() -> Self {
        let isolation = Isolation {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), "exec cat".to_owned()],
            withheld: Vec::new(),
            memory: None,
            patience: Duration::from_secs(60),
            vet: Arc::new(|| Ok(())),
        };
        let (link, _) = Link::start(Path::new("no-library"), &isolation).unwrap();
        let mut echo = Self { link, program: 0 };
        // From then on it is no shell any more.
        assert!(echo.says(Kind::Whole, b"").is_ok());
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", echo.link.id())).unwrap();
        echo.program = u64::from_str_radix(maps.split_once('-').unwrap().0, 16).unwrap();
        echo
    }

    /// One whose memory counts as readable; `None` where the system does not let it be read.
    fn readable() -> Option<Self> {
        let echo = Self::start();
        let memory = &echo.link.memory;
        memory.presume_readable();
        memory.read(Lent { address: echo.program, length: 4 }).is_ok().then_some(echo)
    }

    fn says(&self, kind: Kind, payload: &[u8]) -> Result<Reply, CallError> {
        self.link.answer(&self.link.ask(kind, &[payload]).unwrap())
    }

    /// The pieces of what it says.
    fn gives(&self, kind: Kind, payload: &[u8]) -> Result<Vec<Bytes>, CallError> {
        self.says(kind, payload)?.pieces.into_iter().map(|piece| self.link.take(piece)).collect()
    }

    /// Why the host ends the process for saying this.
    fn ends_for(&self, kind: Kind, payload: &[u8]) -> String {
        match self.gives(kind, payload) {
            Err(CallError::Ended { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // It does not understand that it should end.
        self.link.kill(Some("the test is over"));
    }
}

const NONSENSE: &str = "was ended by the host: it said something that it was not asked";

#[test]
fn lent_pieces_are_read_where_the_process_has_them() {
    let Some(echo) = Echo::readable() else { return };
    let place = Lent { address: echo.program, length: 4 };
    let payload = Lent::to_payload(&[place, place]);
    assert_eq!(echo.gives(Kind::Lent, &payload).unwrap(), [b"\x7fELF".as_slice(); 2]);
    assert!(echo.says(Kind::Lent, &payload).unwrap().goes_on);
}

#[test]
fn a_process_that_lends_what_it_does_not_have_is_ended() {
    let Some(echo) = Echo::readable() else { return };
    let places = [Lent { address: echo.program, length: 4 }, Lent { address: 8, length: 4 }];
    assert_eq!(
        echo.ends_for(Kind::Lent, &Lent::to_payload(&places)),
        "was ended by the host: a piece that it lent cannot be read: Bad address (os error 14)"
    );
}

#[test]
fn a_process_that_lends_unasked_is_ended() {
    let place = Lent { address: 4096, length: 4 };
    assert_eq!(Echo::start().ends_for(Kind::Lent, &Lent::to_payload(&[place])), NONSENSE);
}

#[test]
fn a_process_that_does_not_say_where_pieces_are_is_ended() {
    for payload in [&[][..], &[0; 15], &[0; 16], &[0xff; 16]] {
        let echo = Echo::start();
        echo.link.memory.presume_readable();
        assert_eq!(echo.ends_for(Kind::Lent, payload), NONSENSE, "{payload:?}");
    }
}

#[test]
fn a_process_that_has_ended_is_not_read() {
    let echo = Echo::start();
    echo.link.memory.presume_readable();
    echo.link.kill(Some("was told to"));
    assert_eq!(echo.link.wait_for_end(), "was told to");
    // Its number may be another's by now.
    let piece = echo.link.take(Piece::Lent(Lent { address: echo.program, length: 4 }));
    assert_eq!(piece, Err(CallError::Ended { reason: "was told to".to_owned() }));
}
