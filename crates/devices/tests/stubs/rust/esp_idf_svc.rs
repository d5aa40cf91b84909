//! What the template uses of the crate `esp-idf-svc`, declared for a check of its syntax and types; nothing here runs.

pub mod sys {
    #[derive(Debug)]
    pub struct EspError;

    impl std::fmt::Display for EspError {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Ok(())
        }
    }

    impl std::error::Error for EspError {}

    pub fn link_patches() {}

    pub unsafe extern "C" fn esp_crt_bundle_attach(_: *mut core::ffi::c_void) -> i32 {
        0
    }
}

pub mod eventloop {
    #[derive(Clone)]
    pub struct EspSystemEventLoop;

    impl EspSystemEventLoop {
        pub fn take() -> Result<Self, crate::sys::EspError> {
            Ok(Self)
        }
    }
}

pub mod nvs {
    pub struct EspDefaultNvsPartition;

    impl EspDefaultNvsPartition {
        pub fn take() -> Result<Self, crate::sys::EspError> {
            Ok(Self)
        }
    }
}

pub mod sntp {
    pub struct EspSntp<'a>(std::marker::PhantomData<&'a ()>);

    impl EspSntp<'static> {
        pub fn new_default() -> Result<Self, crate::sys::EspError> {
            Ok(Self(std::marker::PhantomData))
        }
    }
}

pub mod hal {
    pub mod units {
        #[derive(Clone, Copy)]
        pub struct Hertz(pub u32);
    }

    pub mod peripherals {
        pub struct Modem;
        pub struct I2C0;
        pub struct Pin;

        pub struct Pins {
            pub gpio5: Pin,
            pub gpio6: Pin,
            pub gpio21: Pin,
            pub gpio22: Pin,
        }

        pub struct Peripherals {
            pub modem: Modem,
            pub i2c0: I2C0,
            pub pins: Pins,
        }

        impl Peripherals {
            pub fn take() -> Result<Self, crate::sys::EspError> {
                Err(crate::sys::EspError)
            }
        }
    }

    pub mod i2c {
        use super::peripherals::{I2C0, Pin};
        use super::units::Hertz;
        use crate::sys::EspError;

        pub struct I2cConfig;

        impl I2cConfig {
            pub fn new() -> Self {
                Self
            }

            pub fn baudrate(self, _: Hertz) -> Self {
                self
            }
        }

        pub struct I2cDriver<'d>(std::marker::PhantomData<&'d ()>);

        impl<'d> I2cDriver<'d> {
            pub fn new(_: I2C0, _: Pin, _: Pin, _: &I2cConfig) -> Result<Self, EspError> {
                Err(EspError)
            }

            pub fn read(&mut self, _: u8, _: &mut [u8], _: u32) -> Result<(), EspError> {
                Ok(())
            }

            pub fn write(&mut self, _: u8, _: &[u8], _: u32) -> Result<(), EspError> {
                Ok(())
            }
        }
    }
}

pub mod http {
    pub enum Method {
        Post,
    }

    pub mod client {
        use super::Method;
        use crate::sys::EspError;

        #[derive(Default)]
        pub struct Configuration {
            pub timeout: Option<std::time::Duration>,
            pub crt_bundle_attach: Option<unsafe extern "C" fn(*mut core::ffi::c_void) -> i32>,
        }

        pub struct EspHttpConnection;

        impl EspHttpConnection {
            pub fn new(_: &Configuration) -> Result<Self, EspError> {
                Ok(Self)
            }

            pub fn initiate_request<'a>(
                &'a mut self,
                _: Method,
                _: &'a str,
                _: &'a [(&'a str, &'a str)],
            ) -> Result<(), EspError> {
                Ok(())
            }

            pub fn write_all(&mut self, _: &[u8]) -> Result<(), EspError> {
                Ok(())
            }

            pub fn initiate_response(&mut self) -> Result<(), EspError> {
                Ok(())
            }

            pub fn status(&self) -> u16 {
                204
            }
        }
    }
}

pub mod wifi {
    use crate::eventloop::EspSystemEventLoop;
    use crate::hal::peripherals::Modem;
    use crate::nvs::EspDefaultNvsPartition;
    use crate::sys::EspError;

    /// Stands for the text of a fixed size that the crate takes from `heapless`.
    #[derive(Default)]
    pub struct Short<const N: usize>;

    impl<const N: usize> TryFrom<&str> for Short<N> {
        type Error = ();

        fn try_from(_: &str) -> Result<Self, ()> {
            Ok(Self)
        }
    }

    #[derive(Default)]
    pub enum AuthMethod {
        #[default]
        None,
        WPA2Personal,
    }

    #[derive(Default)]
    pub struct ClientConfiguration {
        pub ssid: Short<32>,
        pub bssid: Option<[u8; 6]>,
        pub auth_method: AuthMethod,
        pub password: Short<64>,
        pub channel: Option<u8>,
    }

    pub enum Configuration {
        Client(ClientConfiguration),
    }

    pub struct EspWifi<'d>(std::marker::PhantomData<&'d ()>);

    impl EspWifi<'static> {
        pub fn new(
            _: Modem,
            _: EspSystemEventLoop,
            _: Option<EspDefaultNvsPartition>,
        ) -> Result<Self, EspError> {
            Err(EspError)
        }
    }

    pub struct BlockingWifi<T>(T);

    impl<T> BlockingWifi<T> {
        pub fn wrap(wifi: T, _: EspSystemEventLoop) -> Result<Self, EspError> {
            Ok(Self(wifi))
        }

        pub fn set_configuration(&mut self, _: &Configuration) -> Result<(), EspError> {
            Ok(())
        }

        pub fn start(&mut self) -> Result<(), EspError> {
            Ok(())
        }

        pub fn connect(&mut self) -> Result<(), EspError> {
            Ok(())
        }

        pub fn wait_netif_up(&self) -> Result<(), EspError> {
            Ok(())
        }

        pub fn is_connected(&self) -> Result<bool, EspError> {
            Ok(true)
        }
    }
}
