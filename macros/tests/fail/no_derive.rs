use sarsen_macros::operations;

struct Account;

#[operations]
impl Account {
    fn fine(&self) {}
}

fn main() {}
