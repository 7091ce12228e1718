//! Histories in the words of the Durable Task Framework.
