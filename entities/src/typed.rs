//! An entity type as the engine sees it.

use crate::{
    Asked, Behaviour, Dispatched, Entity, EntityOptions, InputError, Ran, RunLimits, State,
    detached::Detached,
    inside::catch,
    operations::{Code, Operation},
    run::Run,
};
use sarsen_protocol::{
    Address, AddressError, EntityName, Failure, FailureKind, OperationName, Payload, Timestamp, json,
};
use std::fmt;

/// An entity type that has been checked, ready to be registered: the one implementation of [`Behaviour`].
pub struct Typed<E> {
    /// In the order of their names.
    operations: Box<[Operation<E>]>,
    options: EntityOptions,
}

/// Why an entity type cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Its name is none.
    #[error("{0}")]
    Name(#[from] AddressError),
    /// The name of one of its operations is none.
    #[error(
        "`{operation}` of entity `{entity}` is no operation name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _"
    )]
    OperationName {
        /// The entity's name.
        entity: &'static str,
        /// The operation's name.
        operation: &'static str,
    },
    /// Two of its operations have the same name.
    #[error("entity `{entity}` has two operations `{operation}`: give one of them another name")]
    DuplicateOperation {
        /// The entity's name.
        entity: &'static str,
        /// The operations' name.
        operation: &'static str,
    },
    /// One of its options is 0.
    #[error(
        "the option `{option}` of entity `{entity}` is 0, with which none could do anything: set it to at least 1"
    )]
    IdleOption {
        /// The entity's name.
        entity: &'static str,
        /// The option's name.
        option: &'static str,
    },
}

impl<E: Entity> Typed<E> {
    /// Takes the type's operations and options and checks them.
    ///
    /// # Errors
    /// [`RegisterError`] when a name is none or is given twice, or when an option lets entities do nothing.
    pub fn new() -> Result<Self, RegisterError> {
        EntityName::new(E::NAME)?;
        let operations = E::operations().into_sorted();
        if let Some(Operation { name, .. }) = operations.iter().find(|one| EntityName::new(one.name).is_err())
        {
            return Err(RegisterError::OperationName { entity: E::NAME, operation: name });
        }
        if let Some(pair) = operations.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(RegisterError::DuplicateOperation { entity: E::NAME, operation: pair[0].name });
        }
        let options = E::options();
        options.check(E::NAME)?;
        Ok(Self { operations: operations.into(), options })
    }

    pub(crate) fn operation(&self, name: &OperationName) -> Option<&Operation<E>> {
        let name = name.as_str();
        let index = self.operations.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
        Some(&self.operations[index])
    }

    /// The names of the operations, separated by `, `.
    pub(crate) fn known(&self) -> String {
        let names: Vec<&str> = self.operations.iter().map(|operation| operation.name).collect();
        names.join(", ")
    }
}

impl<E: Entity> Behaviour for Typed<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn options(&self) -> EntityOptions {
        self.options
    }

    fn check(&self, operation: &OperationName, input: &Payload) -> Result<(), InputError> {
        let Some(operation) = self.operation(operation) else {
            return Err(InputError::UnknownOperation { known: self.known() });
        };
        catch(|| (operation.check)(input))
            .flatten()
            .map_err(|failure| InputError::Misfit { reason: failure.bounded(0).message })
    }

    fn is_read(&self, operation: &OperationName) -> bool {
        self.operation(operation).is_some_and(|operation| match &operation.code {
            Code::Update(_) => false,
            Code::Read(_) => true,
            Code::Detached(code, _) => code.is_read(),
        })
    }

    fn decode(&self, state: &Payload) -> Result<State, Failure> {
        catch(|| json::decode::<E>(state))
            .flatten()
            .map(State::new)
            .map_err(|failure| Failure { kind: FailureKind::Undecodable, ..failure.bounded(0) })
    }

    fn encode(&self, state: &State) -> Result<Payload, Failure> {
        catch(|| json::encode(state.get::<E>())).flatten()
    }

    fn dispatches(&self) -> bool {
        self.operations.iter().any(|operation| matches!(operation.code, Code::Detached(..)))
    }

    fn is_dispatched(&self, operation: &OperationName) -> bool {
        self.operation(operation).is_some_and(|operation| matches!(operation.code, Code::Detached(..)))
    }

    fn dispatch(
        &self,
        address: &Address,
        state: Option<&State>,
        asked: Asked<'_>,
        limits: &RunLimits,
    ) -> Result<Dispatched, Failure> {
        let Some(Operation { name, code: Code::Detached(code, options), .. }) =
            self.operation(asked.operation)
        else {
            panic!("`{}` of {address} runs inside its turn", asked.operation)
        };
        let state = catch(|| state.map(State::cloned))?;
        let (address, input) = (address.clone(), asked.input.clone());
        let work = code.work(Detached { address, operation: name, state, input, limits: *limits });
        Ok(Dispatched { work, timeout: options.time() })
    }

    fn run(
        &self,
        address: &Address,
        state: &mut Option<State>,
        asked: &[Asked<'_>],
        now: Timestamp,
        limits: &RunLimits,
    ) -> Ran {
        Run::new(self, address, state, now, limits).all(asked)
    }
}

impl<E> fmt::Debug for Typed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.operations.iter().map(|operation| operation.name);
        f.debug_tuple("Typed").field(&std::any::type_name::<E>()).field(&names.collect::<Vec<_>>()).finish()
    }
}
